//! Bundles as a forger would alter them: every part, with the closing digest made right again.

use crate::dice::Dice;
use ledger::bundle::{Bundle, decode_chain, encode_chain};
use ledger::cbor::Writer;
use ledger::hash::Digest;
use ledger::ids::LeafIndex;

/// The closing digest with its CBOR head, bytes.
const CLOSING: usize = 34;

/// `bundle` with one of its bytes' bits flipped, and the closing digest of what is then there.
///
/// # Panics
/// If it has no byte `at` before its closing digest.
#[must_use]
pub fn flipped(bundle: &[u8], at: usize) -> Vec<u8> {
    let mut altered = body(bundle).to_vec();
    altered[at] ^= 1 << (at % 8);
    closed(altered)
}

/// Bytes of a bundle before its closing digest.
///
/// # Panics
/// If it is shorter than that.
#[must_use]
pub fn body(bundle: &[u8]) -> &[u8] {
    &bundle[..bundle.len() - CLOSING]
}

fn closed(mut body: Vec<u8>) -> Vec<u8> {
    let mut closing = Writer::new();
    closing.byte_string(&Digest::of(&body).0);
    body.extend_from_slice(&closing.finish());
    body
}

/// `bundle` with one of its parts left out, doubled, swapped, moved, renamed or rewritten.
///
/// # Panics
/// If it is not one.
#[must_use]
pub fn altered(bundle: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut parts = Bundle::decode(bundle).expect("a bundle");
    match dice.below(12) {
        0 => shuffle(&mut parts.statements, dice),
        1 => shuffle(&mut parts.path, dice),
        2 => shuffle(&mut parts.lists, dice),
        3 => shuffle(&mut parts.records, dice),
        4 => {
            let one = pick(&mut parts.statements, dice);
            one.leaf = LeafIndex(one.leaf.0 ^ (1 << dice.below(8)));
        }
        5 => spoil(&mut pick(&mut parts.statements, dice).entry, dice),
        6 => {
            let one = pick(&mut parts.statements, dice);
            if dice.below(2) == 0 {
                shuffle(&mut one.disclosed, dice);
            } else {
                shuffle(&mut one.siblings, dice);
            }
        }
        7 => {
            // What another statement disclosed, under this one's signature.
            let from = pick(&mut parts.statements, dice).disclosed.clone();
            pick(&mut parts.statements, dice).disclosed = from;
        }
        8 => shuffle(&mut pick(&mut parts.lists, dice).1, dice),
        9 => {
            let (_, record) = pick(&mut parts.records, dice);
            match record {
                Some(bytes) if dice.below(2) == 0 => spoil(bytes, dice),
                Some(_) | None => *record = None,
            }
        }
        10 => {
            // A code about which the bundle proves something else.
            let (item, _) = pick(&mut parts.lists, dice).clone();
            parts.item = item;
        }
        _ => {
            let mut bytes = parts.checkpoint.into_bytes();
            spoil(&mut bytes, dice);
            parts.checkpoint = String::from_utf8_lossy(&bytes).into_owned();
        }
    }
    let mut bytes = parts.encode();
    // Every fourth has a cut or a doubled stretch besides.
    if dice.below(4) == 0 {
        let mut raw = body(&bytes).to_vec();
        let from = dice.up_to(raw.len());
        let until = (from + dice.up_to(64)).min(raw.len());
        if dice.below(2) == 0 {
            raw.drain(from..until);
        } else {
            let again = raw[from..until].to_vec();
            raw.splice(from..from, again);
        }
        bytes = closed(raw);
    }
    bytes
}

/// A chain file with one of its bundles [`altered`], left out, doubled or moved, or with a piece of
/// one put into another; both closing digests are right again.
///
/// # Panics
/// If it is not one.
#[must_use]
pub fn altered_chain(file: &[u8], dice: &mut Dice) -> Vec<u8> {
    let bundles = decode_chain(file).expect("a chain");
    let mut bundles: Vec<Vec<u8>> = bundles.into_iter().map(<[u8]>::to_vec).collect();
    match dice.below(8) {
        0 => shuffle(&mut bundles, dice),
        1 => {
            let from = Bundle::decode(pick(&mut bundles, dice)).expect("a bundle");
            let into = pick(&mut bundles, dice);
            let mut parts = Bundle::decode(into).expect("a bundle");
            match dice.below(6) {
                0 => parts.checkpoint = from.checkpoint,
                1 => parts.statements = from.statements,
                2 => parts.lists = from.lists,
                3 => (parts.records, parts.map_proof) = (from.records, from.map_proof),
                4 => parts.item = from.item,
                _ => parts.path = from.path,
            }
            *into = parts.encode();
        }
        2 => {
            let whole: Vec<&[u8]> = bundles.iter().map(Vec::as_slice).collect();
            let mut raw = body(&encode_chain(&whole)).to_vec();
            spoil(&mut raw, dice);
            return closed(raw);
        }
        _ => {
            let one = pick(&mut bundles, dice);
            *one = altered(one, dice);
        }
    }
    let whole: Vec<&[u8]> = bundles.iter().map(Vec::as_slice).collect();
    encode_chain(&whole)
}

fn pick<'a, T>(items: &'a mut [T], dice: &mut Dice) -> &'a mut T {
    let at = dice.up_to(items.len() - 1);
    &mut items[at]
}

/// Leaves one out, doubles one, or swaps two; of an empty list nothing.
fn shuffle<T: Clone>(items: &mut Vec<T>, dice: &mut Dice) {
    if items.is_empty() {
        return;
    }
    let (one, other) = (dice.up_to(items.len() - 1), dice.up_to(items.len() - 1));
    match dice.below(3) {
        0 => drop(items.remove(one)),
        1 => items.insert(other, items[one].clone()),
        _ => items.swap(one, other),
    }
}

/// Flips a bit, or writes another byte; of nothing nothing.
fn spoil(bytes: &mut [u8], dice: &mut Dice) {
    if bytes.is_empty() {
        return;
    }
    let byte = pick(bytes, dice);
    if dice.below(2) == 0 {
        *byte ^= 1 << dice.below(8);
    } else {
        *byte = byte.wrapping_add(1);
    }
}
