//! Several logs' bundles in one file: a chain that proves itself offline, part by part.
//!
//! ```text
//! chain-file = [ "suyuan-chain/v1", [ 1*9 bundle ], digest ]
//! ```
//! The first bundle is of the log that was asked, the others are parts of other logs. Nothing in
//! the file says how they belong together: that follows from what the bundles prove. A part that
//! nothing leads to is refused, since a stranger's good lot beside a bad one would look like its
//! origin.
//! Bytes: `schemas/suyuan.cddl`, rule `chain-file`.

use super::{BUNDLE_BYTES_MAX, BundleError, Facts, Import, Proved, ProvedAnswer, prove};
use crate::cbor::{DecodeFault, Reader, Writer};
use crate::checkpoint::Checkpoint;
use crate::hash::Digest;
use crate::ids::{TreeSize, UnixMillis};
use crate::provenance::across::{Following, ProvedPart, SECTIONS_MAX, Told, names};
use crate::tlog_policy::{Judged, TlogPolicy};
use std::collections::BTreeMap;

/// The first item of a chain file.
const VERSION: &str = "suyuan-chain/v1";

/// The first byte of a chain file, an array of three.
const HEAD: u8 = 0x83;

/// Whether these bytes begin as a chain file does.
#[must_use]
pub fn is_chain(bytes: &[u8]) -> bool {
    bytes.first() == Some(&HEAD)
}

/// The file of these bundles, the log's that was asked first.
#[must_use]
pub fn encode_chain(bundles: &[&[u8]]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(3).text(VERSION).array(bundles.len());
    for bundle in bundles {
        writer.byte_string(bundle);
    }
    let mut bytes = writer.finish();
    let mut closing = Writer::new();
    closing.byte_string(&Digest::of(&bytes).0);
    bytes.extend_from_slice(&closing.finish());
    bytes
}

/// The bundles of a chain file, checking its form and its closing digest, and nothing else.
///
/// # Errors
/// [`BundleError::Malformed`], [`BundleError::Torn`].
pub fn decode_chain(bytes: &[u8]) -> Result<Vec<&[u8]>, BundleError> {
    if bytes.len() > BUNDLE_BYTES_MAX {
        let limit_bytes = BUNDLE_BYTES_MAX;
        return Err(DecodeFault::TooLarge { limit_bytes }.at(0).into());
    }
    let mut reader = Reader::new(bytes);
    reader.array_of(3, "a chain of three items")?;
    if reader.text()? != VERSION {
        return Err(DecodeFault::Field("chain version").at(1).into());
    }
    let at = reader.offset();
    let count = reader.array()?;
    if !(1..=SECTIONS_MAX + 1).contains(&count) {
        return Err(DecodeFault::Field("number of bundles").at(at).into());
    }
    let bundles = (0..count)
        .map(|_| reader.byte_string())
        .collect::<Result<_, _>>()?;
    let covered = reader.offset();
    let digest = Digest(reader.byte_array()?);
    reader.end()?;
    if Digest::of(&bytes[..covered]) != digest {
        return Err(BundleError::Torn);
    }
    Ok(bundles)
}

/// A chain that was proved.
#[derive(Debug)]
pub struct ProvedChain {
    /// What the first bundle proves, its answer with the others' in its chain.
    pub root: ProvedAnswer,
    /// What each of the others rests on.
    pub parts: Vec<Part>,
}

/// Another log's part of a chain, without its answer, which is in the chain.
#[derive(Debug)]
pub struct Part {
    /// What it is about, canonical.
    pub item: String,
    /// The bundle.
    pub proved: Proved,
    /// Whose checkpoint it rests on, and what stands behind that.
    pub judged: Judged,
}

impl ProvedChain {
    /// What every bundle of the file rests on, the first one's first.
    pub fn rests_on(&self) -> impl Iterator<Item = (Facts, &Judged)> {
        let root = (self.root.proved.facts(), &self.root.judged);
        let parts = self.parts.iter();
        std::iter::once(root).chain(parts.map(|part| (part.proved.facts(), &part.judged)))
    }

    /// Events of other logs in any of the bundles.
    pub fn imports(&self) -> impl Iterator<Item = &Import> {
        let parts = self.parts.iter().map(|part| &part.proved);
        std::iter::once(&self.root.proved)
            .chain(parts)
            .flat_map(Proved::imports)
    }

    /// What the part of `log` about `item` rests on.
    #[must_use]
    pub fn part(&self, log: &str, item: &str) -> Option<&Part> {
        let is_it = |part: &&Part| part.judged.checkpoint.origin == log && part.item == item;
        self.parts.iter().find(is_it)
    }
}

/// Refuses a file that shows two trees of one size of one log.
fn one_history<'p>(parts: impl Iterator<Item = &'p ProvedAnswer>) -> Result<(), BundleError> {
    let mut roots: BTreeMap<(&str, TreeSize), &Digest> = BTreeMap::new();
    for part in parts {
        let Checkpoint { origin, size, root } = &part.judged.checkpoint;
        if roots
            .insert((origin, *size), root)
            .is_some_and(|other| other != root)
        {
            return Err(BundleError::Fork {
                log: origin.clone(),
                size: *size,
            });
        }
    }
    Ok(())
}

/// As [`prove`], for a chain file or a single bundle: the first bundle's answer with the others'
/// parts in its chain, each by the log of `policy` that signed it. A part that a link asks for and
/// the file lacks is marked as silent.
///
/// # Errors
/// [`BundleError`], of the first bundle that has a fault; `Fork`, `PartUnlinked`.
pub fn prove_chain(
    bytes: &[u8],
    policy: &TlogPolicy,
    now: UnixMillis,
) -> Result<ProvedChain, BundleError> {
    let bundles = if is_chain(bytes) {
        decode_chain(bytes)?
    } else {
        vec![bytes]
    };
    let mut bundles = bundles.into_iter();
    let mut root = prove(bundles.next().unwrap_or_default(), policy, now)?;
    let mut others: Vec<ProvedAnswer> = bundles
        .map(|bundle| prove(bundle, policy, now))
        .collect::<Result<_, _>>()?;
    one_history(std::iter::once(&root).chain(&others))?;
    let own = root.judged.checkpoint.origin.clone();
    let of = |part: &ProvedAnswer| part.judged.checkpoint.origin.clone();
    let logs: Vec<String> = others.iter().map(of).collect();
    let logs = logs.iter().map(String::as_str);
    let mut following = Following::new(&own, &root.answer, logs);
    let mut named = names(&root.answer);
    let mut parts = Vec::new();
    loop {
        while let Some(wanted) = following.wanted() {
            let is_it = |part: &ProvedAnswer| {
                of(part) == wanted.log && part.answer.item == wanted.item.as_str()
            };
            let told = match others.iter().position(is_it) {
                Some(at) => {
                    let ProvedAnswer {
                        proved,
                        answer,
                        judged,
                    } = others.remove(at);
                    named.extend(names(&answer));
                    let item = answer.item.clone();
                    let told = ProvedPart::new(&proved, &judged, answer);
                    parts.push(Part {
                        item,
                        proved,
                        judged,
                    });
                    Told::Proved(Box::new(told))
                }
                None => Told::Silent {
                    last_proved: wanted.since,
                },
            };
            following.told(wanted, told);
        }
        // Open lists have no hand-overs, and so no links: there a part belongs to the chain if it
        // is about something that the chain names.
        let Some(next) = others.iter().find(|part| named.contains(&part.answer.item)) else {
            break;
        };
        if !following.ask(&of(next), &next.answer.item) {
            break;
        }
    }
    if let Some(part) = others.first() {
        return Err(BundleError::PartUnlinked {
            log: of(part),
            item: part.answer.item.clone(),
        });
    }
    following.finish(&mut root.answer);
    Ok(ProvedChain { root, parts })
}
