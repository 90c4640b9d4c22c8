//! The catalogue: what the retailer's stores sell, as revisions that flow down to the PCs.
//!
//! An import ([`import`]) turns JSON or CSV into items, row by row: bad rows are reported and the
//! good ones go in. Every import that changes something is one new revision ([`table`]). A
//! revision becomes a file ([`snapshot`]) that PCs download and verify by hash; the broker only
//! carries the hint that there is one. Prices and names are registers that the hub owns: nothing
//! here touches stock.

pub mod import;
pub mod snapshot;
pub mod table;
