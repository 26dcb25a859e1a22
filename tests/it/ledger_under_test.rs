//! A founded ledger with members on disk, and all it has promised.

use ledger::hash::Digest;
use ledger::ids::LeafIndex;
use ledger::signature::PublicKey;
use node::SubmitError;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tests::check::{Kept, Loss, check, describe};
use tests::dice::Dice;
use tests::disk::{Cut, Disk};
use tests::layer::{Fault, Layer};
use tests::said::{Promise, Promises, Said};
use tests::town::{Town, config};
use tests::writer::Writer;

pub(crate) const WRITER: &str = env!("CARGO_BIN_EXE_writer");

/// What a kill follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// The start of the process, so that opening is hit.
    Start,
    /// The first statement sent.
    Load,
    /// The first statement acknowledged, so that there is something to lose.
    Acknowledgement,
}

impl From {
    /// One kill in five from the start, one from the beginning of the load.
    pub(crate) const fn of_round(round: u32) -> Self {
        match round % 5 {
            0 => Self::Start,
            1 => Self::Load,
            _ => Self::Acknowledgement,
        }
    }
}

/// A ledger that processes are let loose on.
pub(crate) struct Ledger {
    place: TempDir,
    dirs: u32,
    lives: u64,
    pub(crate) log_key: PublicKey,
    pub(crate) promises: Promises,
}

impl Ledger {
    /// Founds it, and admits the members.
    pub(crate) fn new() -> Self {
        let place = TempDir::new().unwrap();
        let dir = place.path().join("0");
        let town = Town::new(0);
        town.found(&dir).unwrap();
        let node = node::open(&config(&dir)).unwrap();
        for answer in run(node.submit_many(town.admissions())) {
            answer.unwrap();
        }
        let log_key = node.log_key().clone();
        Self {
            place,
            dirs: 0,
            lives: 0,
            log_key,
            promises: Promises::default(),
        }
    }

    /// Where it lies now: a power cut leaves another directory.
    pub(crate) fn dir(&self) -> PathBuf {
        self.place.path().join(self.dirs.to_string())
    }

    fn journal(&self) -> PathBuf {
        self.place.path().join(format!("{}.journal", self.dirs))
    }

    pub(crate) fn layer(&self, fault: Fault) -> Layer {
        Layer::new(&self.dir(), &self.journal(), fault)
    }

    /// The next process on it.
    pub(crate) fn writer(&mut self, layer: Option<&Layer>) -> Writer {
        self.lives += 1;
        Writer::start(WRITER, &self.dir(), self.lives, layer)
    }

    /// Runs a process and kills it at a moment of chance, at most `limit_ms` after `from`.
    pub(crate) fn kill(
        &mut self,
        dice: &mut Dice,
        (from, limit_ms): (From, u64),
        layer: Option<&Layer>,
    ) -> Vec<Said> {
        let mut writer = self.writer(layer);
        writer = match from {
            From::Start => writer,
            From::Load => writer.until(|said| *said == Said::Ready),
            From::Acknowledgement => writer.until(|said| matches!(said, Said::Acknowledged(..))),
        };
        let said = writer.kill_after(dice.moment(limit_ms));
        self.promises.hear(&said);
        said
    }

    /// Cuts the power; `disk` was loaded before the process began. The ledger is what is left.
    pub(crate) fn cut_power(&mut self, mut disk: Disk, how: Cut<'_>) {
        disk.replay(&self.take_journal());
        std::fs::remove_dir_all(self.dir()).unwrap();
        self.dirs += 1;
        disk.cut(&self.dir(), how).unwrap();
    }

    /// For a process that ended without a power cut.
    pub(crate) fn forget_journal(&self) {
        self.take_journal();
    }

    /// What the layer wrote down. A process killed before the layer was loaded did nothing, and
    /// leaves no journal.
    fn take_journal(&self) -> Vec<u8> {
        match std::fs::read(self.journal()) {
            Ok(journal) => {
                std::fs::remove_file(self.journal()).unwrap();
                journal
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => panic!("the layer's journal: {error}"),
        }
    }

    /// Sends one more statement to the ledger as it lies in `dir`; else the reason why it stopped.
    pub(crate) fn submit_at(&mut self, dir: &Path) -> Result<(LeafIndex, Promise), String> {
        self.lives += 1;
        let node = node::open(&config(dir)).map_err(|why| format!("not opened: {why}"))?;
        let statement = Town::new(self.lives).statement();
        let submitted = Digest::of(&statement);
        run(async {
            match node.submit(statement).await {
                Ok(answer) => {
                    let receipt = answer.receipt;
                    Ok((answer.leaf, Promise { submitted, receipt }))
                }
                Err(SubmitError::Halted) => Err(format!("halted: {}", node.halted().await)),
                Err(other) => panic!("refused: {other}"),
            }
        })
    }

    pub(crate) fn check(&self) -> Result<Kept, Vec<Loss>> {
        self.check_at(&self.dir())
    }

    pub(crate) fn check_at(&self, dir: &Path) -> Result<Kept, Vec<Loss>> {
        check(dir, &self.log_key, &self.promises)
    }

    /// Checks, and says in which round what was lost.
    pub(crate) fn must_keep(&self, round: &str) -> Kept {
        match self.check() {
            Ok(kept) => kept,
            Err(losses) => panic!("{round}: {}", describe(&losses)),
        }
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build();
    runtime.unwrap().block_on(work)
}

pub(crate) fn acknowledged(said: &[Said]) -> usize {
    said.iter()
        .filter(|one| matches!(one, Said::Acknowledged(..)))
        .count()
}
