//! `shelf-hub run --restored`: tells every store, before the hub serves, that it lost time.
//!
//! A hub notices by itself that its database is an older one as soon as a PC knows more. That may be
//! too late for what channels sell in between; so whoever puts a backup back says it. Until a store's
//! granting PC, its other PCs and its channels have said again what was promised, nothing of it is
//! sold online.

use shelf_replica::hub::{Hub, HubConfig as MachineConfig};

use crate::config::HubConfig;
use crate::platform;
use crate::server::{self, StartError};
use crate::storage::{StorageError, StoreRow};

/// The stores could not be told.
#[derive(Debug, thiserror::Error)]
pub enum RestoredError {
    /// The database can't be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It can't be written.
    #[error("the stores could not be told that the hub was restored")]
    Storage(#[from] StorageError),
    /// No randomness.
    #[error("a store's machine can't be made")]
    Entropy(#[from] platform::EntropyError),
}

/// Marks every store of the tenant, in one transaction; returns their names.
pub fn mark(config: &HubConfig) -> Result<Vec<String>, RestoredError> {
    let (mut storage, _) = server::open(config)?;
    let seed = platform::random_u64()?;
    let transaction = storage.begin()?;
    let tenant = config.tenant.as_str();
    let ours = |it: &StoreRow| it.tenant == tenant;
    let stores: Vec<StoreRow> = transaction.stores()?.into_iter().filter(ours).collect();
    let names: Vec<&str> = stores.iter().map(|it| it.name.as_str()).collect();
    transaction.claim(tenant, &names)?;
    for store in &stores {
        let mut hub = Hub::new(MachineConfig {
            seed,
            trust_first_use: false,
        });
        // Nobody is there yet: PCs are asked for a hello once the broker is.
        hub.restored(&mut *transaction.shop(store.key), &mut Vec::new())?;
    }
    transaction.commit()?;
    Ok(stores.into_iter().map(|it| it.name).collect())
}
