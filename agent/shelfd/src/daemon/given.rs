//! What the exchange gives to its machine, owned so that it can cross to the writer's thread.
//!
//! One input of the machine each, with no decision of its own.

use shelf_ledger::Tx;
use shelf_ledger::tables::TableError;
use shelf_replica::Now;
use shelf_replica::node::{Node, NodeEffect, NodeInput};
use shelf_replica::store::Store as _;
use shelf_stock::hours::OpeningHours;
use shelf_stock::identity::NodeId;
use shelf_stock::name::ItemId;
use shelf_wire::key::PublicKey;

/// What the machine is given, owned so that it can cross to the writer's thread.
#[derive(Clone, Debug)]
pub(super) enum Given {
    LinkUp,
    LinkDown,
    Frame(Vec<u8>),
    Snapshot(Vec<u8>),
    Grown,
    StockChanged(Vec<ItemId>),
    NobodyListens,
    CatalogueHeld(u64),
    Stopping,
    LanUp {
        name: String,
        keys: Vec<PublicKey>,
    },
    LanDown,
    Hours(OpeningHours),
    Compare,
    PeerFrame(NodeId, Vec<u8>),
    /// The machine was reset: the links that are up are told again.
    Again,
    Tick,
}

/// Gives an input to the machine, in a transaction of the ledger.
pub(super) fn take(
    node: &mut Node,
    now: Now,
    given: &Given,
    tx: &mut Tx<'_>,
    effects: &mut Vec<NodeEffect>,
) -> Result<(), TableError> {
    let mut store = tx.replica_store();
    let input = match given {
        Given::LinkUp => NodeInput::LinkUp,
        Given::LinkDown => NodeInput::LinkDown,
        Given::Frame(frame) => NodeInput::Frame(frame),
        Given::Snapshot(frame) => NodeInput::Snapshot(frame),
        Given::NobodyListens => NodeInput::NobodyListens,
        Given::CatalogueHeld(revision) => NodeInput::CatalogueHeld {
            revision: *revision,
        },
        Given::Stopping => NodeInput::Stopping,
        Given::StockChanged(items) => NodeInput::StockChanged { items },
        Given::LanUp { name, keys } => NodeInput::LanUp { name, keys },
        Given::LanDown => NodeInput::LanDown,
        Given::Hours(hours) => NodeInput::Hours(hours),
        Given::Compare => NodeInput::CompareBalances,
        Given::PeerFrame(from, frame) => NodeInput::PeerFrame { from: *from, frame },
        Given::Again | Given::Tick => NodeInput::Tick,
        Given::Grown => {
            let own = node.id();
            for log in store.logs()?.into_iter().filter(|it| it.log.node == own) {
                let input = NodeInput::Appended {
                    log: log.log,
                    upto: log.last,
                };
                node.handle(now, input, &mut store, effects)?;
            }
            return Ok(());
        }
    };
    node.handle(now, input, &mut store, effects)
}
