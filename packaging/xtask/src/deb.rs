//! The Debian package: built from the release binaries without the demo, then installed, started,
//! killed, upgraded and purged in a container that runs a whole systemd.
//!
//! The container is Debian's own, unpacked by mmdebstrap under `target/`; it has no network and
//! goes away with its overlay. What it can't prove (device rules, memory limits) needs a machine
//! of its own and is not claimed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::steps::cargo;

const WAIT_SECONDS_MAX: u64 = 90;
const SUITE: &str = "bookworm";
const EXPOSURE_MAX_TENTHS: &str = "20";

/// Builds the package and says where it is.
pub(crate) fn build(root: &Path) -> Result<PathBuf> {
    let tools = root.join("target/tools");
    let program = tools.join("bin/cargo-deb");
    if !program.is_file() {
        let into = tools.to_string_lossy();
        cargo(root, &["install", "cargo-deb", "--locked", "--root", &into])?;
    }
    completions(root)?;
    let output = Command::new(&program)
        .args([
            "deb",
            "--package",
            "shelfd",
            "--locked",
            "--no-default-features",
        ])
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .context("cargo-deb could not be started")?;
    ensure!(output.status.success(), "cargo-deb failed");
    let text = String::from_utf8(output.stdout)?;
    let path = text.lines().last().context("cargo-deb named no package")?;
    Ok(PathBuf::from(path))
}

/// Writes what makes shells complete the program's words, for the package to take along.
fn completions(root: &Path) -> Result<()> {
    let built = [
        "build",
        "--release",
        "--locked",
        "--no-default-features",
        "-p",
        "shelfd",
    ];
    cargo(root, &built)?;
    let folder = root.join("target/completions");
    fs::create_dir_all(&folder)?;
    for shell in ["bash", "zsh", "fish"] {
        let output = Command::new(root.join("target/release/shelfd"))
            .args(["completions", shell])
            .output()
            .context("shelfd could not be started")?;
        ensure!(output.status.success(), "shelfd completions {shell} failed");
        fs::write(folder.join(format!("shelfd.{shell}")), output.stdout)?;
    }
    Ok(())
}

/// Builds the package, then lives through its life in a container.
pub(crate) fn prove(root: &Path) -> Result<()> {
    let package = build(root)?;
    prove_package(root, &package)
}

/// Lives through the life of a package that is already built.
pub(crate) fn prove_package(root: &Path, package: &Path) -> Result<()> {
    exposure(root)?;
    lintian(package)?;
    let mut container = Container::boot(root, package)?;
    life(&mut container)
}

fn exposure(root: &Path) -> Result<()> {
    let unit = root.join("systemd/shelfd.service");
    let threshold = format!("--threshold={EXPOSURE_MAX_TENTHS}");
    let status = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager", &threshold])
        .arg(&unit)
        .stdout(Stdio::null())
        .status()
        .context("systemd-analyze could not be started")?;
    ensure!(
        status.success(),
        "shelfd.service is more exposed than {EXPOSURE_MAX_TENTHS} tenths"
    );
    Ok(())
}

fn lintian(package: &Path) -> Result<()> {
    let status = Command::new("lintian")
        .args([
            "--allow-root",
            "--fail-on",
            "error,warning",
            "--tag-display-limit",
            "0",
        ])
        // The package is not in Debian, so that no bug there asks for it.
        .args(["--suppress-tags", "initial-upload-closes-no-bugs"])
        .arg(package)
        .status()
        .context("lintian could not be started")?;
    ensure!(
        status.success(),
        "lintian has complaints about {}",
        package.display()
    );
    Ok(())
}

fn life(container: &mut Container) -> Result<()> {
    container.expect(
        "installed",
        "dpkg -i /root/shelfd.deb && systemctl is-enabled shelfd",
    )?;
    container.until("started", "systemctl is-active --quiet shelfd")?;
    container.expect(
        "shells complete its words",
        "bash -c '. /usr/share/bash-completion/completions/shelfd && complete -p shelfd' \
         && test -s /usr/share/zsh/vendor-completions/_shelfd \
         && test -s /usr/share/fish/vendor_completions.d/shelfd.fish",
    )?;
    container.expect(
        "serves its page on loopback only",
        "shelfd status --json | grep -q '\"verdict\"' && ! ss -ltn | grep -E '(0.0.0.0|\\[::\\]|\\*):8420'",
    )?;
    container.expect(
        "runs as its own user in its own folder",
        "test $(stat -c %U:%a /var/lib/shelfd) = shelfd:700 \
         && test $(ps -o user= -p $(systemctl show -p MainPID --value shelfd)) = shelfd",
    )?;
    container.expect(
        "is killed and comes back",
        "kill -9 $(systemctl show -p MainPID --value shelfd)",
    )?;
    container.until(
        "restarted by systemd",
        "test $(systemctl show -p NRestarts --value shelfd) -ge 1 && shelfd status --json",
    )?;
    container.expect(
        "a hang is noticed by the watchdog",
        "kill -STOP $(systemctl show -p MainPID --value shelfd)",
    )?;
    container.until(
        "restarted by the watchdog",
        "journalctl -u shelfd --no-pager | grep -q 'Watchdog timeout' \
         && test $(systemctl show -p NRestarts --value shelfd) -ge 2 && shelfd status --json",
    )?;
    container.expect(
        "a configuration error stops it without a restart loop",
        "echo 'stroe = \"x\"' >> /etc/shelfd/shelfd.toml; systemctl restart shelfd; \
         journalctl -u shelfd --no-pager -o cat | grep -q 'did you mean .store.' \
         && test $(systemctl show -p ExecMainStatus --value shelfd) = 78 \
         && sed -i '/stroe/d' /etc/shelfd/shelfd.toml && systemctl restart shelfd",
    )?;
    container.expect("installed again over itself", "dpkg -i /root/shelfd.deb")?;
    container.until(
        "running after the upgrade",
        "systemctl is-active --quiet shelfd",
    )?;
    container.expect(
        "purged, its ledger kept",
        "dpkg -P shelfd && ! systemctl is-active --quiet shelfd && test ! -e /usr/bin/shelfd \
         && test ! -e /etc/shelfd/shelfd.toml && test -e /var/lib/shelfd/ledger.db",
    )
}

/// A booted Debian in a namespace of its own; everything it changes is in an overlay.
struct Container {
    nspawn: Child,
    leader: String,
    tree: PathBuf,
}

impl Container {
    fn boot(root: &Path, package: &Path) -> Result<Self> {
        let lab = root.join("target/container");
        let base = base_tree(&lab)?;
        let tree = lab.join("tree");
        let [upper, work] = ["upper", "work"].map(|it| lab.join(it));
        let _gone = Command::new("umount")
            .arg(&tree)
            .stderr(Stdio::null())
            .status();
        for folder in [&tree, &upper, &work] {
            if folder.exists() {
                fs::remove_dir_all(folder)?;
            }
            fs::create_dir_all(folder)?;
        }
        let layers = format!(
            "lowerdir={},upperdir={},workdir={}",
            base.display(),
            upper.display(),
            work.display()
        );
        run(Command::new("mount")
            .args(["-t", "overlay", "shelfd", "-o", &layers])
            .arg(&tree))?;
        fs::copy(package, tree.join("root/shelfd.deb"))?;
        let mut nspawn = Command::new("systemd-nspawn")
            .args([
                "-q",
                "-b",
                "--machine=shelfd-proof",
                "--register=no",
                "--keep-unit",
            ])
            .args(["--private-network", "--capability=all", "-D"])
            .arg(&tree)
            .stdin(Stdio::null())
            .stdout(fs::File::create(lab.join("console.log"))?)
            .stderr(fs::File::create(lab.join("nspawn.log"))?)
            .spawn()
            .context("systemd-nspawn could not be started: the test needs root")?;
        let leader = leader_of(&mut nspawn)?;
        let mut container = Self {
            nspawn,
            leader,
            tree,
        };
        container.until(
            "booted",
            "systemctl is-system-running | grep -Eq 'running|degraded'",
        )?;
        container.expect("loopback is up", "ip link set lo up || true")?;
        Ok(container)
    }

    fn command(&self, script: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args([
                "-t",
                &self.leader,
                "-m",
                "-u",
                "-i",
                "-n",
                "-p",
                "-C",
                "-r",
                "-w",
            ])
            .args([
                "/usr/bin/env",
                "-i",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME=/root",
            ])
            .args(["sh", "-c", script]);
        command
    }

    fn expect(&mut self, what: &str, script: &str) -> Result<()> {
        let output = self.command(script).output()?;
        if !output.status.success() {
            let journal = self
                .command("journalctl -u shelfd --no-pager -n 40")
                .output()?;
            bail!(
                "in the container: {what}: `{script}` failed\n{}{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr),
                String::from_utf8_lossy(&journal.stdout)
            );
        }
        println!("  {what}");
        Ok(())
    }

    /// Waits for a condition inside, which asks again as soon as its last answer came.
    fn until(&mut self, what: &str, condition: &str) -> Result<()> {
        let limit = Instant::now() + Duration::from_secs(WAIT_SECONDS_MAX);
        let once = format!("({condition}) >/dev/null 2>&1 || {{ sleep 0.1; false; }}");
        while Instant::now() < limit {
            if self.command(&once).status()?.success() {
                println!("  {what}");
                return Ok(());
            }
        }
        self.expect(what, condition)
    }
}

/// Whatever happened, nothing of the container stays behind.
impl Drop for Container {
    fn drop(&mut self) {
        let _asked = self.command("systemctl poweroff --force").status();
        let _killed = self.nspawn.kill();
        let _reaped = self.nspawn.wait();
        let _unmounted = Command::new("umount").arg("-l").arg(&self.tree).status();
    }
}

/// Debian with systemd and nothing else, made once per checkout.
fn base_tree(lab: &Path) -> Result<PathBuf> {
    let base = lab.join("base");
    if base.join("usr/bin/systemctl").exists() {
        return Ok(base);
    }
    fs::create_dir_all(lab)?;
    let part = lab.join("base.part");
    if part.exists() {
        fs::remove_dir_all(&part)?;
    }
    run(Command::new("mmdebstrap")
        .args(["-q", "--variant=minbase"])
        .arg("--include=systemd,systemd-sysv,udev,dbus,kmod,iproute2,procps,adduser")
        .args([
            "--aptopt=APT::Install-Recommends \"false\"",
            "--dpkgopt=force-unsafe-io",
        ])
        .args([
            "--dpkgopt=path-exclude=/usr/share/doc/*",
            "--dpkgopt=path-exclude=/usr/share/man/*",
        ])
        .arg(SUITE)
        .arg(&part))?;
    fs::rename(&part, &base)?;
    Ok(base)
}

/// The container's first process: the child of nspawn that is a `systemd` of its own. Children
/// that only prepare it come and go before.
fn leader_of(nspawn: &mut Child) -> Result<String> {
    let limit = Instant::now() + Duration::from_secs(WAIT_SECONDS_MAX);
    let children = format!("/proc/{0}/task/{0}/children", nspawn.id());
    let is_systemd = |it: &&str| {
        let name = fs::read_to_string(format!("/proc/{it}/comm")).unwrap_or_default();
        name.trim() == "systemd"
    };
    while Instant::now() < limit {
        if let Some(status) = nspawn.try_wait()? {
            bail!("systemd-nspawn ended with {status}");
        }
        let text = fs::read_to_string(&children).unwrap_or_default();
        if let Some(leader) = text.split_whitespace().find(is_systemd) {
            return Ok(leader.to_owned());
        }
        std::thread::yield_now();
    }
    bail!("the container did not start within {WAIT_SECONDS_MAX} s")
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}
