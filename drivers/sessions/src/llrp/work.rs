//! The work that presence needs of a reader: all named antennas, endlessly, each read told at once.

use shelf_codecs::llrp::{
    AntennaConfig, AntennaInventory, Inventory, InventorySpec, ReportContent, ReportSpec, RoSpec,
    Singulation,
};

/// Gen2, in the air protocols' numbers.
const AIR_PROTOCOL_GEN2: u8 = 1;

/// An endless ROSpec over these antennas (none: all). `session` is Gen2's: 1 tells each tag again every few
/// seconds, 2 and 3 keep silent about a tag they know, 0 tells it in every round. `population` is about how
/// many tags are in the field.
#[must_use]
pub fn presence_work(antennas: &[u16], session: u8, population: u16) -> RoSpec {
    let every = [0];
    let antennas = if antennas.is_empty() {
        &every
    } else {
        antennas
    };
    let singulation = Singulation {
        session: session & 3,
        population: population.max(1),
        transit_ms: 0,
    };
    let inventory = InventorySpec {
        id: 1,
        air_protocol: AIR_PROTOCOL_GEN2,
        antennas: vec![AntennaConfig {
            inventory: Some(Inventory {
                singulation: Some(singulation),
                ..Inventory::default()
            }),
            ..AntennaConfig::default()
        }],
        extensions: Vec::new(),
    };
    RoSpec {
        inventories: vec![AntennaInventory {
            antennas: antennas.to_vec(),
            inventories: vec![inventory],
            ..AntennaInventory::default()
        }],
        report: Some(ReportSpec {
            // Each tag at once: a larger number would strand the last few in an endless round.
            trigger: 1,
            n: 1,
            content: ReportContent::PRESENCE,
            ..ReportSpec::default()
        }),
        ..RoSpec::default()
    }
}
