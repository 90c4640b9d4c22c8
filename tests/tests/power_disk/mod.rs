//! A disk that remembers every write and every flush, so that its power can be cut at any moment.
//!
//! One file of a FUSE mount, under a loop device, under ext4: the program under test runs at
//! native speed, and the log says what a disk with a volatile cache had made durable when. Needs
//! root, /dev/fuse and loop devices. Everything is unmounted on drop.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a test fails by panicking"
)]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    LockOwner, MountOption, OpenFlags, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry, ReplyOpen,
    ReplyWrite, Request, WriteFlags,
};

const FILE: INodeNo = INodeNo(2);
const TTL: Duration = Duration::from_secs(3600);

/// What reached the disk, in order.
#[derive(Clone, Debug)]
pub enum Op {
    /// Bytes in the disk's cache.
    Write { at: usize, bytes: Vec<u8> },
    /// Everything before is durable.
    Flush,
}

#[derive(Default)]
struct Log {
    image: Vec<u8>,
    ops: Vec<Op>,
}

struct DiskFile(Arc<Mutex<Log>>);

impl DiskFile {
    fn attr(&self, ino: INodeNo) -> FileAttr {
        let is_file = ino == FILE;
        let size = lock(&self.0).image.len() as u64;
        FileAttr {
            ino,
            size: if is_file { size } else { 0 },
            blocks: size / 512,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind: if is_file {
                FileType::RegularFile
            } else {
                FileType::Directory
            },
            perm: if is_file { 0o600 } else { 0o700 },
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            flags: 0,
            blksize: 4096,
        }
    }
}

fn lock(log: &Mutex<Log>) -> std::sync::MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

#[allow(clippy::too_many_arguments, reason = "the trait's signatures")]
impl Filesystem for DiskFile {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        if name == "disk" {
            reply.entry(&TTL, &self.attr(FILE), Generation(0));
        } else {
            reply.error(Errno::ENOENT);
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&TTL, &self.attr(ino));
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(1), FopenFlags::empty());
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let log = lock(&self.0);
        let from = usize::try_from(offset).unwrap().min(log.image.len());
        let to = (from + usize::try_from(size).unwrap()).min(log.image.len());
        reply.data(&log.image[from..to]);
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let mut log = lock(&self.0);
        let at = usize::try_from(offset).unwrap();
        if at + data.len() > log.image.len() {
            return reply.error(Errno::ENOSPC);
        }
        log.image[at..at + data.len()].copy_from_slice(data);
        log.ops.push(Op::Write {
            at,
            bytes: data.to_vec(),
        });
        reply.written(u32::try_from(data.len()).unwrap());
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        // Closing a handle: no flush of the disk.
        reply.ok();
    }

    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        lock(&self.0).ops.push(Op::Flush);
        reply.ok();
    }
}

/// The disk with a mounted filesystem on it.
pub struct PowerDisk {
    log: Arc<Mutex<Log>>,
    device: String,
    mounted: PathBuf,
    _fuse: fuser::BackgroundSession,
    _dir: tempfile::TempDir,
}

impl PowerDisk {
    /// An ext4 of some bytes.
    pub fn mount(bytes: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (fuse_at, mounted) = (dir.path().join("fuse"), dir.path().join("disk"));
        std::fs::create_dir(&fuse_at).unwrap();
        std::fs::create_dir(&mounted).unwrap();
        let log = Arc::new(Mutex::new(Log {
            image: vec![0; bytes],
            ops: Vec::new(),
        }));
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("power-disk".to_owned())];
        let fuse = fuser::spawn_mount(DiskFile(Arc::clone(&log)), &fuse_at, &config)
            .expect("mounting FUSE needs root and /dev/fuse");
        let device = run("losetup", &[&"-f", &"--show", &fuse_at.join("disk")]);
        let disk = Self {
            log,
            device: device.trim().to_owned(),
            mounted,
            _fuse: fuse,
            _dir: dir,
        };
        run("mkfs.ext4", &[&"-q", &disk.device]);
        run("mount", &[&disk.device, &disk.mounted]);
        disk
    }

    /// Where the filesystem is.
    pub fn path(&self) -> &Path {
        &self.mounted
    }

    /// How many operations reached the disk so far.
    pub fn length(&self) -> usize {
        lock(&self.log).ops.len()
    }

    /// The first `length` operations.
    pub fn ops(&self, length: usize) -> Vec<Op> {
        lock(&self.log).ops[..length].to_vec()
    }
}

impl Drop for PowerDisk {
    fn drop(&mut self) {
        // In order; each may fail where the one before did, and the rest is still tried.
        for (program, argument) in [
            ("umount", self.mounted.as_os_str()),
            ("losetup", self.device.as_ref()),
        ] {
            let mut command = Command::new(program);
            if program == "losetup" {
                command.arg("-d");
            }
            drop(command.arg(argument).status());
        }
    }
}

/// An image mounted for as long as this lives.
pub struct Mounted(PathBuf);

impl Mounted {
    /// Mounts an image; its journal is replayed as after a power cut.
    pub fn image(image: &Path, at: &Path) -> Self {
        run("mount", &[&"-o", &"loop", &image, &at]);
        Self(at.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(&self.0).status());
    }
}

fn run(program: &str, arguments: &[&dyn AsRef<OsStr>]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program} failed (root and loop devices needed): {text}"
    );
    String::from_utf8(output.stdout).unwrap()
}
