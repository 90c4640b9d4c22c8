//! A broker inside the process: for tests, the demo and the simulation's shell.
//!
//! It behaves as badly as a real one where that matters: a full queue loses payloads, a cut loses
//! what is on the way, and nothing is kept for whoever is away.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shelf_stock::identity::NodeId;
use shelf_wire::topic::Lane;
use tokio::sync::mpsc;

use crate::{EVENTS_MAX, Event, Frame, Link, SendError};

/// Who is at an end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Hub,
    Node(NodeId),
}

#[derive(Debug)]
struct Wire {
    events: mpsc::Sender<Event>,
    up: bool,
}

/// One hub and any number of PCs.
#[derive(Clone, Debug, Default)]
pub struct Network {
    wires: Arc<Mutex<BTreeMap<End, Wire>>>,
}

/// One end in memory.
#[derive(Debug)]
pub struct MemoryLink {
    end: End,
    network: Network,
    events: mpsc::Receiver<Event>,
}

impl Network {
    /// A network without anybody.
    pub fn new() -> Self {
        Self::default()
    }

    /// The hub's end, connected. Replaces an earlier one.
    pub fn hub(&self) -> MemoryLink {
        self.attach(End::Hub)
    }

    /// A PC's end, connected. Replaces an earlier one.
    pub fn node(&self, node: NodeId) -> MemoryLink {
        self.attach(End::Node(node))
    }

    /// Cuts a PC off. What is on the way to it is lost only if it doesn't read it.
    pub fn cut(&self, node: NodeId) {
        self.set(End::Node(node), false);
    }

    /// Connects a PC again.
    pub fn heal(&self, node: NodeId) {
        self.set(End::Node(node), true);
    }

    /// Cuts the hub off from everybody.
    pub fn cut_hub(&self) {
        self.set(End::Hub, false);
    }

    /// Connects the hub again.
    pub fn heal_hub(&self) {
        self.set(End::Hub, true);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<End, Wire>> {
        self.wires.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attach(&self, end: End) -> MemoryLink {
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let up = sender.try_send(Event::Up).is_ok();
        self.lock().insert(end, Wire { events: sender, up });
        MemoryLink {
            end,
            network: self.clone(),
            events,
        }
    }

    fn set(&self, end: End, up: bool) {
        if let Some(wire) = self.lock().get_mut(&end) {
            let event = match up {
                true => Event::Up,
                false => Event::Down {
                    reason: "cut".to_owned(),
                },
            };
            if wire.up != up {
                wire.up = up;
                // A reader that is so far behind finds out by itself that nothing comes.
                wire.events.try_send(event).ok();
            }
        }
    }
}

impl Link for MemoryLink {
    fn send(&self, frame: Frame) -> Result<(), SendError> {
        let wires = self.network.lock();
        if !wires.get(&self.end).is_some_and(|it| it.up) {
            return Err(SendError::Down);
        }
        let heard_by = |end: &End| match (frame.topic.lane, end) {
            (Lane::Up(..), End::Hub) | (Lane::All(_), End::Node(_)) => true,
            (Lane::Down(node, _), End::Node(other)) => node == *other,
            _ => false,
        };
        let mut heard = false;
        for (_, wire) in wires.iter().filter(|(end, wire)| wire.up && heard_by(end)) {
            heard = true;
            wire.events.try_send(Event::Frame(frame.clone())).ok();
        }
        if let (false, Some(wire)) = (heard, wires.get(&self.end)) {
            wire.events.try_send(Event::NobodyListens).ok();
        }
        Ok(())
    }

    async fn recv(&mut self) -> Event {
        self.events.recv().await.unwrap_or(Event::Closed)
    }
}

#[cfg(test)]
mod tests {
    use shelf_wire::topic::{Topic, Up};

    use super::*;

    fn frame(node: NodeId) -> Frame {
        Frame {
            topic: Topic {
                tenant: "acme".parse().unwrap(),
                store: "berlin-1".parse().unwrap(),
                lane: Lane::Up(node, Up::Log),
            },
            payload: vec![1, 2, 3],
        }
    }

    #[tokio::test]
    async fn a_cut_is_told_and_loses() {
        let (network, node) = (Network::new(), NodeId::from_bytes([1; 16]));
        let mut pc = network.node(node);
        assert_eq!(pc.recv().await, Event::Up);
        pc.send(frame(node)).unwrap();
        assert_eq!(pc.recv().await, Event::NobodyListens);
        let mut hub = network.hub();
        assert_eq!(hub.recv().await, Event::Up);
        pc.send(frame(node)).unwrap();
        assert_eq!(hub.recv().await, Event::Frame(frame(node)));
        network.cut(node);
        assert!(matches!(pc.recv().await, Event::Down { .. }));
        assert_eq!(pc.send(frame(node)), Err(SendError::Down));
        network.heal(node);
        assert_eq!(pc.recv().await, Event::Up);
    }
}
