//! Files that lbdiag writes: recordings, reports, pairs, packets. Readable by their owner alone, and there whole or not at all.
//!
//! A file is written beside its place and renamed when it is whole, so that whatever has its name stays until then. What is no file
//! is never replaced: a pipe, a terminal or `/dev/null` is written to as it is, anything else is refused.

pub mod apart;
pub mod earlier;
pub mod rewritten;
pub mod temporary;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Symbolic links that are followed to a file that is not there yet; Linux follows as many.
const MOST_LINKS: usize = 40;
/// What the names of files begin with that a process has open.
const DESCRIPTORS: [&str; 5] = ["/dev/fd/", "/proc/self/fd/", "/dev/stdin", "/dev/stdout", "/dev/stderr"];

/// A file under way. Dropping it unfinished leaves what was there before.
pub struct Output {
    file: BufWriter<File>,
    /// What is written, and the place that it gets; none where it is written straight.
    beside: Option<(PathBuf, PathBuf)>,
}

/// What an output's name stands for.
enum Place {
    /// A file, or nothing yet.
    File(PathBuf),
    /// What takes bytes as they come.
    Straight,
    /// A file that the caller holds open, such as `/dev/stderr` when that is redirected.
    Held,
}

impl Output {
    /// Begins a file, a pipe or a device.
    ///
    /// # Errors
    /// When it cannot be written, or is something that nothing should be written to.
    pub fn create(path: &Path) -> io::Result<Self> {
        let open = |options: &mut OpenOptions| options.open(path).map(|file| Self { file: BufWriter::new(file), beside: None });
        match place(path)? {
            Place::File(target) => Self::beside(target),
            Place::Straight => open(OpenOptions::new().write(true)),
            Place::Held => open(OpenOptions::new().append(true)),
        }
    }

    /// Begins what can be nothing but a file.
    ///
    /// # Errors
    /// As `create`, and when something other than a file has that name.
    pub fn create_file(path: &Path) -> io::Result<Self> {
        Self::beside(file(path)?)
    }

    fn beside(target: PathBuf) -> io::Result<Self> {
        let part = part_name(&target);
        Ok(Self { file: BufWriter::new(private(&part)?), beside: Some((part, target)) })
    }

    /// The file is whole: it takes its place.
    ///
    /// # Errors
    /// When the last of it cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.flush()?;
        if let Some((part, target)) = &self.beside {
            self.file.get_ref().sync_all()?;
            fs::rename(part, target)?;
        }
        self.beside = None;
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some((part, _)) = &self.beside {
            // Whatever went wrong was told already.
            let _ = fs::remove_file(part);
        }
    }
}

/// A new file that its owner alone may read.
///
/// # Errors
/// When there is something of that name, or the directory cannot be written.
pub fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// The file that an output would replace, when it would replace one.
#[must_use]
pub fn replaced(path: &Path) -> Option<PathBuf> {
    match place(path) {
        Ok(Place::File(target)) => Some(target),
        _ => None,
    }
}

/// Whether somebody has to take what is written: a pipe or a device, not a file.
#[must_use]
pub fn waits(path: &Path) -> bool {
    matches!(place(path), Ok(Place::Straight))
}

/// Tries whether an output can be written, and leaves nothing: after a run that cannot be repeated is too late to learn that.
///
/// # Errors
/// As `create`.
pub fn check(path: &Path) -> io::Result<()> {
    match place(path)? {
        Place::File(target) => try_beside(&target),
        Place::Straight | Place::Held => Ok(()),
    }
}

/// As `check`, for what can be nothing but a file.
///
/// # Errors
/// As `create_file`.
pub fn check_file(path: &Path) -> io::Result<()> {
    file(path).and_then(|target| try_beside(&target))
}

fn try_beside(target: &Path) -> io::Result<()> {
    // A rename would replace a file that its owner protects.
    match OpenOptions::new().write(true).open(target) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("there is no directory {}", directory.display())));
    }
    let part = part_name(target);
    private(&part)?;
    fs::remove_file(part)
}

/// A name beside the target that no other run and no other output uses.
fn part_name(target: &Path) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let part = target.with_file_name(format!(".lbdiag-{}-{}.part", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    // Left by a killed run with the same number.
    let _ = fs::remove_file(&part);
    part
}

fn file(path: &Path) -> io::Result<PathBuf> {
    match place(path)? {
        Place::File(target) => Ok(target),
        Place::Straight | Place::Held => Err(refused("there is something of that name that is not a file")),
    }
}

fn place(path: &Path) -> io::Result<Place> {
    let there = match fs::metadata(path) {
        Ok(there) => there.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Place::File(behind_links(path)?)),
        Err(error) => return Err(error),
    };
    if there.is_file() {
        let text = path.to_string_lossy();
        let held = DESCRIPTORS.iter().any(|begin| text.starts_with(begin));
        return if held { Ok(Place::Held) } else { fs::canonicalize(path).map(Place::File) };
    }
    if there.is_fifo() || there.is_char_device() {
        return Ok(Place::Straight);
    }
    Err(refused(if there.is_dir() { "it is a directory, not a file" } else { "there is something of that name that is not a file" }))
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

/// Where a file would come to be by that name, which may be a link to nothing.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(to) => path = path.parent().unwrap_or(Path::new("")).join(to),
            Err(_) => return if path.file_name().is_some() { Ok(path) } else { Err(refused("it names no file")) },
        }
    }
    Err(refused("too many symbolic links"))
}

#[cfg(test)]
mod tests;
