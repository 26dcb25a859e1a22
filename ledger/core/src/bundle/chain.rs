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

use super::{BUNDLE_BYTES_MAX, BundleError, ProvedAnswer, prove};
use crate::cbor::{DecodeFault, Reader, Writer};
use crate::hash::Digest;
use crate::ids::UnixMillis;
use crate::provenance::across::{Following, ProvedPart, SECTIONS_MAX, Told, names};
use crate::tlog_policy::TlogPolicy;

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

/// As [`prove`], for a chain file or a single bundle: the first bundle's answer with the others'
/// parts in its chain, each by the log of `policy` that signed it. A part that a link asks for and
/// the file lacks is marked as silent.
///
/// # Errors
/// [`BundleError`], of the first bundle that has a fault; `PartUnlinked`.
pub fn prove_chain(
    bytes: &[u8],
    policy: &TlogPolicy,
    now: UnixMillis,
) -> Result<ProvedAnswer, BundleError> {
    if !is_chain(bytes) {
        return prove(bytes, policy, now);
    }
    let mut bundles = decode_chain(bytes)?.into_iter();
    let first = bundles.next().unwrap_or_default();
    let mut root = prove(first, policy, now)?;
    let mut parts: Vec<ProvedAnswer> = bundles
        .map(|bundle| prove(bundle, policy, now))
        .collect::<Result<_, _>>()?;
    let own = root.judged.checkpoint.origin.clone();
    let of = |part: &ProvedAnswer| part.judged.checkpoint.origin.clone();
    let logs: Vec<String> = parts.iter().map(of).collect();
    let logs = logs.iter().map(String::as_str);
    let mut following = Following::new(&own, &root.answer, logs);
    let mut named = names(&root.answer);
    loop {
        while let Some(wanted) = following.wanted() {
            let is_it = |part: &ProvedAnswer| {
                of(part) == wanted.log && part.answer.item == wanted.item.as_str()
            };
            let told = match parts.iter().position(is_it) {
                Some(at) => {
                    let part = ProvedPart::from(parts.remove(at));
                    named.extend(names(&part.answer));
                    Told::Proved(Box::new(part))
                }
                None => Told::Silent {
                    last_proved: wanted.since,
                },
            };
            following.told(wanted, told);
        }
        // Open lists have no hand-overs, and so no links: there a part belongs to the chain if it
        // is about something that the chain names.
        let Some(next) = parts.iter().find(|part| named.contains(&part.answer.item)) else {
            break;
        };
        if !following.ask(&of(next), &next.answer.item) {
            break;
        }
    }
    match parts.first() {
        Some(part) => Err(BundleError::PartUnlinked {
            log: of(part),
            item: part.answer.item.clone(),
        }),
        None => {
            following.finish(&mut root.answer);
            Ok(root)
        }
    }
}
