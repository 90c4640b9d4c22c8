//! The WAN between the store and the hub: a TCP relay that can be cut and restored.
//!
//! Cut, it ends every connection at once and refuses new ones, as a pulled cable with a router in
//! front does. It never looks into what it carries; nothing that it held when it was cut is
//! delivered later.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::daemon::shop::WanSwitch;
use crate::platform::MonoClock;

/// The WAN and its switch. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Wan {
    up: watch::Sender<bool>,
    outages: Arc<Mutex<Outages>>,
    clock: MonoClock,
}

#[derive(Debug, Default)]
struct Outages {
    count: u64,
    total_ms: u64,
    since_ms: Option<u64>,
}

impl Wan {
    /// A WAN that is up.
    pub(super) fn new(clock: MonoClock) -> Self {
        Self {
            up: watch::channel(true).0,
            outages: Arc::default(),
            clock,
        }
    }

    /// Whether it is up.
    pub(super) fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    /// Cuts or restores it; the same again changes nothing.
    pub(super) fn set(&self, up: bool) {
        let changed = self
            .up
            .send_if_modified(|now| std::mem::replace(now, up) != up);
        if !changed {
            return;
        }
        let now = self.clock.millis();
        let mut outages = self.outages.lock().unwrap_or_else(PoisonError::into_inner);
        if up {
            let since = outages.since_ms.take().unwrap_or(now);
            outages.total_ms += now.saturating_sub(since);
        } else {
            outages.count += 1;
            outages.since_ms = Some(now);
        }
    }

    /// Turns it over.
    pub(super) fn toggle(&self) {
        self.set(!self.is_up());
    }

    /// How often and how long it was cut so far.
    pub(super) fn cut(&self) -> (u64, u64) {
        let outages = self.outages.lock().unwrap_or_else(PoisonError::into_inner);
        let running = outages
            .since_ms
            .map_or(0, |it| self.clock.millis().saturating_sub(it));
        (outages.count, outages.total_ms + running)
    }

    /// The switch that the pages show.
    pub(super) fn switch(&self) -> WanSwitch {
        let wan = self.clone();
        Arc::new(move |wanted| {
            if let Some(up) = wanted {
                wan.set(up);
            }
            wan.is_up()
        })
    }

    /// Opens a way to a server; returns the address that the store uses.
    pub(super) async fn way_to(
        &self,
        server: SocketAddr,
        tasks: &mut JoinSet<()>,
    ) -> std::io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        tasks.spawn(carry(listener, server, self.up.subscribe()));
        Ok(address)
    }
}

async fn carry(listener: TcpListener, server: SocketAddr, up: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                // Dropped at once: that is the refusal.
                Ok((client, _)) if *up.borrow() => {
                    connections.spawn(join(client, server, up.clone()));
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "the WAN takes no connection"),
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn join(mut client: TcpStream, server: SocketAddr, mut up: watch::Receiver<bool>) {
    let carried = async {
        let mut server = TcpStream::connect(server).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        tokio::io::copy_bidirectional(&mut client, &mut server).await
    };
    tokio::select! {
        _ = up.wait_for(|it| !it) => {}
        ended = carried => if let Err(error) = ended {
            tracing::debug!(%error, "a connection over the WAN ended");
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn a_cut_ends_what_is_open_refuses_what_comes_and_a_restored_wan_carries_again() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let at = server.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                let (mut it, _) = server.accept().await.unwrap();
                tokio::spawn(async move { it.write_all(b"hello").await });
            }
        });
        let wan = Wan::new(MonoClock::start());
        let way = wan.way_to(at, &mut tasks).await.unwrap();
        let mut text = [0; 5];
        let mut open = TcpStream::connect(way).await.unwrap();
        open.read_exact(&mut text).await.unwrap();
        wan.set(false);
        assert_eq!(open.read(&mut text).await.unwrap_or(0), 0, "still open");
        let mut refused = TcpStream::connect(way).await.unwrap();
        assert_eq!(
            refused.read(&mut text).await.unwrap_or(0),
            0,
            "still carries"
        );
        let switch = wan.switch();
        assert!(!switch(None) && switch(Some(true)));
        let mut again = TcpStream::connect(way).await.unwrap();
        again.read_exact(&mut text).await.unwrap();
        assert_eq!((&text, wan.cut().0), (b"hello", 1));
    }
}
