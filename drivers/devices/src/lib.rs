//! x
pub mod backoff;
pub mod clock;
pub mod identity;
pub mod serial;
pub mod sysfs;
pub mod transport;
pub mod uevent;
pub mod wake;
