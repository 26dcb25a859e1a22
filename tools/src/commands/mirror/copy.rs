//! The copy, and the replay that feeds it.

use super::source::Source;
use crate::client::http::Remote;
use crate::client::ledger::with_source;
use crate::commands::audit::verified::{Keys, ahead, verified};
use crate::exit::{Code, Failure};
use ledger::audit::{AuditFinding, Auditor, Prepared, prepare_arrived};
use ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use ledger::evidence::Evidence;
use ledger::hash::{Digest, empty_root};
use ledger::ids::{LeafIndex, TreeSize, UnixMillis};
use ledger::merkle::tile::TileNodes;
use ledger::merkle::{consistency_proof, prefix_root};
use ledger::registry::Action;
use ledger::seal::ViewTiles;
use ledger::signature::PublicKey;
use ledger::state::{Class, KeyRecord, Record as _, StateKey};
use ledger::statement::{Payload, SignedStatement};
use ledger::store::{Store as _, View as _};
use ledger::tlog_policy::{Judged, TlogPolicy};
use ledger_rocks::{Options, RocksStore};
use node::durable::replace;
use node::secrets::OsSecrets;
use node::{EvidenceFiles, Settings};
use rayon::iter::{IndexedParallelIterator as _, IntoParallelIterator as _, ParallelIterator as _};
use std::path::{Path, PathBuf};
use std::thread;

/// Leaves of one write where many blocks are caught up with, and their bytes: a third of a
/// second's work, which is also what a kill can make it fetch again.
const SPAN_LEAVES: usize = 8_192;
const SPAN_BYTES: usize = 64 * 1024 * 1024;

/// Leaves that one core verifies at a time, a millisecond: none waits long for another.
const SHARE_LEAVES: usize = 16;

/// Key records read at a time: a megabyte.
const SCAN: usize = 8192;

/// A copy of one log, and where it comes from.
#[derive(Debug)]
pub(crate) struct Mirror {
    dir: PathBuf,
    store: RocksStore,
    policy: TlogPolicy,
    origin: String,
    log_key: PublicKey,
    source: Source,
}

/// Where the replay is.
#[derive(Debug)]
pub(crate) struct Follower<'m> {
    auditor: Auditor<'m>,
    keys: Keys,
}

/// What one look at the log brought.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) size: TreeSize,
    pub(crate) root: Digest,
    pub(crate) added: u64,
    pub(crate) blocks: u64,
    pub(crate) events: u64,
    pub(crate) state: Digest,
    /// When the newest block was sealed.
    pub(crate) time: Option<UnixMillis>,
    pub(crate) standing: &'static str,
    pub(crate) cosigned: Vec<String>,
    /// Statements without their body, and orders to delete, since this run began.
    pub(crate) taken: u64,
    pub(crate) orders: usize,
}

/// Why a replay stopped.
enum Stop {
    /// The log's or its node's fault, after so many leaves that are sound.
    Fault(AuditFinding, TreeSize),
    Failure(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<ledger::store::StoreError> for Stop {
    fn from(error: ledger::store::StoreError) -> Self {
        Self::Failure(error.into())
    }
}

static SECRETS: OsSecrets = OsSecrets;

impl Mirror {
    /// Opens the copy in `dir`, or makes one, of the log that `remote` serves and `policy` names.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) fn open(
        dir: &Path,
        policy: TlogPolicy,
        remote: Remote,
        parts: &'static str,
    ) -> Result<Self, Failure> {
        use crate::client::ledger::Ledger as _;
        let origin = remote.origin().to_owned();
        let log = policy.log_of_origin(&origin).ok_or_else(|| {
            Failure::new(
                Code::Proof,
                format!("the trust file does not name {origin}"),
            )
            .remedy("name the trust file of this log with --trust, or another node")
        })?;
        let log_key = log.key.public_key().clone();
        let failed =
            |error: &ledger_rocks::OpenError| Failure::new(Code::Store, with_source(error));
        let store = if dir.join("db").is_dir() {
            RocksStore::open_copy(dir, &origin, Options::default())
        } else {
            RocksStore::create(dir, &origin, Options::default())
        };
        Ok(Self {
            dir: dir.to_owned(),
            store: store.map_err(|error| failed(&error))?,
            policy,
            origin,
            log_key,
            source: Source::new(remote, parts)?,
        })
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The replay, where the copy ends.
    ///
    /// # Errors
    /// [`Failure`] where the copy is damaged.
    pub(crate) fn follower(&self) -> Result<Follower<'_>, Failure> {
        let view = self.store.view();
        let mut keys = Keys::of_log(&self.log_key);
        let mut after = Some(StateKey {
            class: Class::Key,
            digest: Digest([0; 32]),
        });
        while after.is_some() {
            let records = view.records_after(after, SCAN)?;
            after = records.last().map(|(key, _)| *key);
            let own = records
                .iter()
                .take_while(|(key, _)| key.class == Class::Key);
            let found: Vec<PublicKey> = own
                .filter_map(|(_, record)| KeyRecord::decode(record).ok()?.key())
                .collect();
            if found.len() < records.len() {
                after = None;
            }
            keys.extend(found);
        }
        Ok(Follower {
            auditor: Auditor::resume(&self.origin, view, &SECRETS)?,
            keys,
        })
    }

    /// Looks at the log once: verifies and keeps what is new.
    ///
    /// # Errors
    /// [`Failure`]: proof where the log or its node is dishonest, by name; stale where it went
    /// back; busy where nobody answers.
    pub(crate) fn round<'m>(
        &'m self,
        follower: &mut Follower<'m>,
        mut progress: impl FnMut(usize),
    ) -> Result<Round, Failure> {
        let note = self.source.checkpoint()?;
        let judged = (self.policy.judge(&note))
            .map_err(|error| Failure::new(Code::Proof, format!("checkpoint: {error}")))?;
        if judged.checkpoint.origin != self.origin {
            let what = format!(
                "checkpoint: of {}, not {}",
                judged.checkpoint.origin, self.origin
            );
            return Err(Failure::new(Code::Proof, what));
        }
        let before = follower.auditor.size();
        self.check_continues(&judged.checkpoint, &note)?;
        let wanted = &judged.checkpoint;
        match self.replay(follower, wanted.size, Some((wanted, &note)), &mut progress) {
            Ok(()) => {}
            Err(Stop::Failure(failure)) => {
                // Leaves of a block that is still open would come a second time.
                *follower = self.follower()?;
                return Err(failure);
            }
            Err(Stop::Fault(finding, sound)) => {
                // What came before the fault is sound, and is kept.
                *follower = self.follower()?;
                if sound > follower.auditor.size()
                    && let Err(Stop::Failure(failure)) =
                        self.replay(follower, sound, None, &mut progress)
                {
                    return Err(failure);
                }
                let at = follower.auditor.size();
                return Err(
                    Failure::new(Code::Proof, format!("altered: {finding}")).remedy(format!(
                        "kept are the {at} leaves before it; tell the log's operator and the other \
                         mirrors, and compare what they were served"
                    )),
                );
            }
        }
        self.describe()?;
        Ok(round_of(follower, &judged, before))
    }

    /// Refuses a checkpoint of a tree that did not grow from ours, and keeps what shows it.
    fn check_continues(&self, theirs: &Checkpoint, note: &str) -> Result<(), Failure> {
        let view = self.store.view();
        let Some(head) = view.head()? else {
            return Ok(());
        };
        let (size, root) = (head.size(), head.block.root);
        if theirs.size >= size {
            // What the newer tree begins with, and how it went on from there.
            let (prefix, proof) = if theirs.size == size {
                (theirs.root, Vec::new())
            } else {
                self.source.beginning(size, theirs)?
            };
            if prefix == root {
                return Ok(());
            }
            return Err(self.other_history(&head.checkpoint, note, prefix, proof)?);
        }
        let tiles = ViewTiles(&view);
        let nodes = TileNodes::new(&tiles);
        let own = |error: &dyn std::fmt::Debug| Failure::new(Code::Store, format!("{error:?}"));
        let prefix = match theirs.size {
            TreeSize(0) => empty_root(),
            size => prefix_root(&nodes, size).map_err(|error| own(&error))?,
        };
        if prefix != theirs.root {
            let proof = consistency_proof(&nodes, theirs.size, size);
            let proof = proof.map_err(|error| own(&error))?;
            return Err(self.other_history(note, &head.checkpoint, prefix, proof)?);
        }
        // One history, of which the log shows less than it did: an old copy, put back.
        let what = format!(
            "rolled-back: the log shows {} leaves, and has shown {size}",
            theirs.size
        );
        Err(Failure::new(Code::Stale, what).remedy(format!(
            "{} has all of them: the log's operator can bring it level with suyuan restore",
            self.dir.display()
        )))
    }

    /// The refusal of a log that signed two histories; what proves it is kept, in one file.
    ///
    /// `prefix`: the root over as many of the newer tree's leaves as the older has; `proof`: the
    /// consistency proof from there.
    fn other_history(
        &self,
        older: &str,
        newer: &str,
        prefix: Digest,
        proof: Vec<Digest>,
    ) -> Result<Failure, Failure> {
        let what = "other-history: the log shows a tree that does not agree with the copy here";
        let failure = Failure::new(Code::Proof, what);
        // Between two signed checkpoints the copy's own head is nobody's word.
        let (Ok(older), Ok(newer)) = (
            SignedCheckpoint::parse(older),
            SignedCheckpoint::parse(newer),
        ) else {
            return Ok(failure.remedy(
                "the log signed no checkpoint where the copy ends, so that nothing is proved by \
                 it: compare with another mirror",
            ));
        };
        let evidence = Evidence::of(older, newer, prefix, proof);
        evidence
            .verify(&self.policy)
            .map_err(|error| Failure::new(Code::Store, format!("the copy: {error}")))?;
        let kept = EvidenceFiles::of(&self.dir).keep(&evidence);
        kept.map_err(|error| Failure::file(&self.dir, &error))?;
        Ok(failure.remedy(format!(
            "what proves it is kept in {}: suyuan verify explains it; give it to the log's \
             witnesses and to other mirrors",
            self.dir.join("evidence").display()
        )))
    }

    /// Replays and keeps the log up to `to`, where a block ends; `signed`: the checkpoint there.
    fn replay<'m>(
        &'m self,
        follower: &mut Follower<'m>,
        to: TreeSize,
        signed: Option<(&Checkpoint, &str)>,
        progress: &mut impl FnMut(usize),
    ) -> Result<(), Stop> {
        let Follower { auditor, keys } = follower;
        let wanted = auditor.size().0..to.0;
        thread::scope(|scope| {
            let ready = ahead(scope, self.source.excerpts(wanted)).map(|leaves| {
                let leaves = leaves?.into_par_iter().with_min_len(SHARE_LEAVES);
                verified::<Failure>(leaves.map(|leaf| Ok(prepare_arrived(leaf))), keys)
            });
            ahead(scope, ready).try_for_each(|ready| {
                let ready = ready?;
                progress(ready.len());
                self.take(auditor, ready, to)
            })
        })?;
        let reached = auditor.size();
        if let Some((checkpoint, _)) = signed
            && !(reached == to && auditor.root() == checkpoint.root)
        {
            // Bound by headers that the log signed, and by its tiles, so that only the last
            // header itself can be another.
            let last = LeafIndex(to.0.saturating_sub(1));
            let what = format!("altered: the entries up to leaf {last} are not of the tree signed");
            return Err(Failure::new(Code::Proof, what).into());
        }
        let checkpoint = signed.map(|(_, note)| note.to_owned());
        self.keep(auditor, checkpoint)
    }

    /// Replays what has come, and writes where enough waits.
    fn take<'m>(
        &'m self,
        auditor: &mut Auditor<'m>,
        ready: Vec<(Prepared, bool)>,
        to: TreeSize,
    ) -> Result<(), Stop> {
        for (prepared, good) in ready {
            auditor.leaf(prepared, good);
            if let Some(finding) = auditor.fault() {
                return Err(Stop::Fault(finding.clone(), auditor.sound()));
            }
            let (leaves, bytes) = auditor.waiting();
            // What ends at the checkpoint is written under it.
            if (leaves >= SPAN_LEAVES || bytes >= SPAN_BYTES) && auditor.size() < to {
                self.keep(auditor, None)?;
            }
        }
        Ok(())
    }

    /// Writes the blocks that wait, under the checkpoint signed for them. The log signs none for
    /// the sizes in between that a long catching-up stops at: there it is the text alone.
    fn keep<'m>(
        &'m self,
        auditor: &mut Auditor<'m>,
        checkpoint: Option<String>,
    ) -> Result<(), Stop> {
        let checkpoint = checkpoint.unwrap_or_else(|| {
            let unsigned = Checkpoint {
                origin: self.origin.clone(),
                size: auditor.size(),
                root: auditor.root(),
            };
            unsigned.to_string()
        });
        if let Some(write) = auditor.span(checkpoint)? {
            self.store.commit(write)?;
            auditor.written(self.store.view());
        }
        Ok(())
    }

    /// Writes beside the copy what it is: the settings and the trust file that other commands read.
    fn describe(&self) -> Result<(), Failure> {
        let settings = node::config::settings_path(&self.dir);
        if settings.exists() {
            return Ok(());
        }
        let Some(entry) = self.store.view().entry(LeafIndex(0))? else {
            return Ok(());
        };
        let founded = SignedStatement::parse(&entry).ok();
        let region = founded.and_then(|statement| {
            let Payload::Registry(payload) = statement.payload() else {
                return None;
            };
            let Action::Found { founders, .. } = &payload.action else {
                return None;
            };
            founders.first().map(|(_, district, _)| district.clone())
        });
        let url = self.source.remote().url().to_owned();
        let text = Settings::new(
            self.origin.clone(),
            url,
            region.unwrap_or_else(|| "00".into()),
        )
        .map_err(|error| Failure::new(Code::Proof, error))
        .map(|settings| settings.to_toml())?;
        let write = |path: &Path, text: &str| {
            replace(path, text.as_bytes(), 0o600).map_err(|error| Failure::file(path, &error))
        };
        write(
            &node::config::policy_path(&self.dir),
            &self.policy.to_string(),
        )?;
        write(&settings, &text)
    }
}

fn round_of(follower: &Follower<'_>, judged: &Judged, before: TreeSize) -> Round {
    let auditor = &follower.auditor;
    let (state, events, blocks) = auditor.reached();
    Round {
        size: auditor.size(),
        root: auditor.root(),
        added: auditor.size().0 - before.0,
        blocks,
        events,
        state,
        time: auditor.time(),
        standing: judged.standing.word(),
        cosigned: judged
            .cosigned
            .iter()
            .map(|one| one.witness.clone())
            .collect(),
        taken: auditor.taken(),
        orders: auditor.orders(),
    }
}
