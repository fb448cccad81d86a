//! Passphrases of encrypted keys: asked for once each, of a person, when there is one.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use russh::keys::PrivateKey;
use tokio::sync::Mutex;

/// How often a person may mistype one passphrase.
const MOST_TRIES: usize = 3;

/// A question, and its answer when there is one.
type Ask = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Somebody who can be asked for a passphrase. Gets the question, and gives `None` when there is no answer to be had.
#[derive(Clone)]
pub struct Asker(Arc<Ask>);

impl Asker {
    /// Asks by a function that blocks until there is an answer.
    pub fn new(ask: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asker")
    }
}

/// The encrypted keys of a run: what was unlocked stays so, and what was not is not asked for again.
#[derive(Default)]
pub(super) struct Passphrases {
    asker: Option<Asker>,
    asking: AtomicBool,
    keys: Mutex<HashMap<PathBuf, Result<Arc<PrivateKey>, String>>>,
}

impl Passphrases {
    pub(super) fn new(asker: Option<Asker>) -> Self {
        Self { asker, ..Self::default() }
    }

    /// Whether there is somebody who may be asked.
    pub(super) fn may_ask(&self) -> bool {
        self.asker.is_some()
    }

    /// Whether everything has to wait for a person just now: no time limit runs meanwhile.
    pub(super) fn asking(&self) -> bool {
        self.asking.load(Ordering::Relaxed)
    }

    /// The key of a file, asked for unless it was before. Everybody else who needs one waits for the answer.
    ///
    /// # Errors
    /// Why it stays locked.
    pub(super) async fn unlock(&self, path: &Path, unattended: bool) -> Result<Arc<PrivateKey>, String> {
        let mut keys = self.keys.lock().await;
        if let Some(known) = keys.get(path) {
            return known.clone();
        }
        let asker = match &self.asker {
            Some(asker) if !unattended => asker.clone(),
            Some(_) => return Err("is encrypted, and ssh_config says BatchMode".to_owned()),
            None => return Err("is encrypted, and there is no terminal to ask for its passphrase".to_owned()),
        };
        self.asking.store(true, Ordering::Relaxed);
        let file = path.to_owned();
        let answer = tokio::task::spawn_blocking(move || ask(&asker, &file)).await.unwrap_or_else(|_| Err("is encrypted".to_owned()));
        self.asking.store(false, Ordering::Relaxed);
        keys.insert(path.to_owned(), answer.clone());
        answer
    }
}

fn ask(asker: &Asker, path: &Path) -> Result<Arc<PrivateKey>, String> {
    let mut question = format!("passphrase of {}", path.display());
    for _ in 0..MOST_TRIES {
        let Some(answer) = (asker.0)(&question).filter(|answer| !answer.is_empty()) else {
            return Err("is encrypted, and no passphrase was given".to_owned());
        };
        if let Ok(key) = russh::keys::load_secret_key(path, Some(&answer)) {
            return Ok(Arc::new(key));
        }
        question = format!("that was not it; passphrase of {}", path.display());
    }
    Err(format!("is encrypted, and {MOST_TRIES} passphrases were wrong"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn locked(directory: &Path) -> Option<PathBuf> {
        let path = directory.join("key");
        let made =
            std::process::Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-a", "1", "-N", "right", "-f"]).arg(&path).status();
        made.is_ok_and(|status| status.success()).then_some(path)
    }

    fn answering(answers: &'static [&'static str]) -> (Arc<AtomicUsize>, Passphrases) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let asker = Asker::new(move |_| {
            let turn = count.fetch_add(1, Ordering::Relaxed);
            answers.get(turn).map(|answer| (*answer).to_owned())
        });
        (asked, Passphrases::new(Some(asker)))
    }

    #[tokio::test]
    async fn each_key_is_asked_for_once() {
        let directory = tempfile::tempdir().unwrap();
        let Some(path) = locked(directory.path()) else { return };
        let (asked, passphrases) = answering(&["wrong", "right"]);
        let (one, other) = tokio::join!(passphrases.unlock(&path, false), passphrases.unlock(&path, false));
        one.unwrap();
        other.unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), 2, "once wrongly and once rightly");
    }

    #[tokio::test]
    async fn who_gives_none_is_left_in_peace() {
        let directory = tempfile::tempdir().unwrap();
        let Some(path) = locked(directory.path()) else { return };
        let (asked, passphrases) = answering(&[]);
        for _ in 0..2 {
            assert!(passphrases.unlock(&path, false).await.unwrap_err().contains("no passphrase was given"));
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        let (asked, passphrases) = answering(&["a", "b", "c", "d"]);
        assert!(passphrases.unlock(&path, false).await.unwrap_err().contains("wrong"));
        assert_eq!(asked.load(Ordering::Relaxed), 3);
        assert!(passphrases.unlock(&path, true).await.unwrap_err().contains("wrong"), "known already");
        let (asked, passphrases) = answering(&["right"]);
        assert!(passphrases.unlock(&path, true).await.unwrap_err().contains("BatchMode"));
        assert!(Passphrases::new(None).unlock(&path, false).await.unwrap_err().contains("no terminal"));
        assert_eq!(asked.load(Ordering::Relaxed), 0);
    }
}
