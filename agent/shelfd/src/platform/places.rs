//! Where configuration and data lie: the system's folders for a service, the user's otherwise.

use std::path::PathBuf;

use directories::ProjectDirs;

/// The two folders that everything of this PC lies in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    /// `shelfd.toml` and `conf.d/`.
    pub(crate) config: PathBuf,
    /// The ledger and what else must survive.
    pub(crate) data: PathBuf,
}

/// The system's folders if systemd gave us one, if asked for, or as root; else the user's.
pub(crate) fn places(system: bool) -> Option<Places> {
    let given = super::environment("STATE_DIRECTORY").map(PathBuf::from);
    if system || given.is_some() || is_root() {
        let data = given.unwrap_or_else(|| PathBuf::from("/var/lib/shelfd"));
        return Some(Places {
            config: PathBuf::from("/etc/shelfd"),
            data,
        });
    }
    let user = ProjectDirs::from("", "", "shelfd")?;
    Some(Places {
        config: user.config_dir().to_owned(),
        data: user.data_dir().to_owned(),
    })
}

/// Root is who may write the system's folder; asked of the process, not of the environment.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
}
