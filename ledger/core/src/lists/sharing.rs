//! What a partner's mirror may have of statements' bodies.
//!
//! A statement travels with its body where the partner may see every event of it by name; else
//! without, and the mirror takes its effects. Withheld parts travel as far as the partner's sight
//! reaches, personal ones only where an agreement says so. What a registry act says in public is
//! for every mirror: it could not replay without.

use super::directory::{Directory, load};
use super::{Opened, corrupt};
use crate::access::{Concern, Entitled, Reader, Sight, sight};
use crate::disclosure::{Class, encode_body};
use crate::ids::{Handle, LeafIndex};
use crate::registry::Action;
use crate::reject::RejectReason;
use crate::signature::KeyId;
use crate::state::{KeyRecord, StateKey};
use crate::statement::{Header, Issuer, Payload, SignedStatement};
use crate::store::{EventRef, StoreError, View};
use crate::stored::{self, Outline, outline};
use std::collections::BTreeMap;

/// Bodies for one partner, out of one view.
#[derive(Debug)]
pub struct Sharing<'v, V> {
    view: &'v V,
    reader: Reader,
    directory: Directory,
    signers: BTreeMap<KeyId, Handle>,
    opened: BTreeMap<EventRef, Opened>,
}

impl<'v, V: View> Sharing<'v, V> {
    /// What `partner` may have.
    pub fn new(view: &'v V, partner: Entitled) -> Self {
        Self {
            view,
            reader: Reader::Bearer(Box::new(partner)),
            directory: Directory::default(),
            signers: BTreeMap::new(),
            opened: BTreeMap::new(),
        }
    }

    /// The withheld parts given out so far: what the access record must hold before they go.
    #[must_use]
    pub const fn opened(&self) -> &BTreeMap<EventRef, Opened> {
        &self.opened
    }

    /// The partner.
    #[must_use]
    pub const fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The body of the statement at `leaf` as the partner may have it, in the form in which
    /// statements are submitted; empty where it may not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn body(
        &mut self,
        leaf: LeafIndex,
        entry: &[u8],
        body: Vec<u8>,
    ) -> Result<Vec<u8>, StoreError> {
        if body.is_empty() {
            return Ok(body);
        }
        let malformed = |why: RejectReason| corrupt(leaf, &why.to_string());
        let (header, payload) = SignedStatement::glance(entry).map_err(malformed)?;
        let outline = outline(&body).map_err(|error| corrupt(leaf, &error.to_string()))?;
        let sights = self.sights(leaf, &header, &payload, &body, &outline)?;
        // An import's record is an event of another log.
        let open = match &payload {
            Payload::Registry(payload) => payload.action != Action::Import,
            Payload::Events(_) | Payload::Block(_) => false,
        };
        if !open && sights.values().any(|(sight, _)| *sight < Sight::Named) {
            return Ok(Vec::new());
        }
        for one in &outline {
            let Some((sight, district)) = sights.get(&one.index) else {
                continue;
            };
            let personal = one.sealed > 0 && Class::Personal.opens_at() <= *sight;
            if personal || one.plain > 0 && Class::Confidential.opens_at() <= *sight {
                let index = one.index;
                let district = district.clone();
                let opened = Opened { personal, district };
                self.opened.insert(EventRef { leaf, index }, opened);
            }
        }
        // What has no personal part is stored as it was sent, and may go as it is stored.
        let plain = |one: &Outline| one.sealed == 0;
        let confidential = |(sight, _): &(Sight, String)| *sight >= Class::Confidential.opens_at();
        if outline.iter().all(plain) && sights.values().all(confidential) {
            return Ok(body);
        }
        let sees = |index, class: Class| {
            let sight = sights.get(&index).map(|(sight, _)| *sight);
            sight.is_some_and(|sight| class.opens_at() <= sight)
        };
        let statement = SignedStatement::parse(entry).map_err(malformed)?;
        let opened = stored::open(self.view, &statement, &body, sees)?;
        Ok(encode_body(&opened.disclosed))
    }

    /// How much of each disclosure the partner may see, and whose it is, by index.
    fn sights(
        &mut self,
        leaf: LeafIndex,
        header: &Header,
        payload: &Payload,
        body: &[u8],
        outline: &[Outline],
    ) -> Result<BTreeMap<u16, (Sight, String)>, StoreError> {
        let Issuer::Participant { handle: issuer, .. } = header.issuer else {
            return Ok(BTreeMap::new());
        };
        let key = header.key;
        let signer = match self.signers.get(&key) {
            Some(signer) => *signer,
            None => {
                let record: Option<KeyRecord> = load(self.view, StateKey::key(key))?;
                let owner = record
                    .ok_or_else(|| corrupt(leaf, "no record of its key"))?
                    .owner;
                self.signers.insert(key, owner);
                owner
            }
        };
        let alone = Concern {
            issuer: self.directory.party(self.view, issuer)?,
            signer,
            parties: Vec::new(),
        };
        let least = sight(&self.reader, &alone);
        // Parties to an event never open more than this, so that they need not be looked up.
        if least >= Sight::Confidential {
            let district = &alone.issuer.district;
            return Ok(outline
                .iter()
                .map(|one| (one.index, (least, district.clone())))
                .collect());
        }
        let act = match payload {
            Payload::Registry(payload) => Some(&payload.action),
            Payload::Events(_) | Payload::Block(_) => None,
        };
        let stored = stored::decode(body).map_err(|error| corrupt(leaf, &error.to_string()))?;
        let mut sights = BTreeMap::new();
        for one in &stored {
            let concern = self
                .directory
                .concern(self.view, issuer, signer, act, one)?;
            let sight = sight(&self.reader, &concern);
            sights.insert(one.index, (sight, concern.issuer.district));
        }
        Ok(sights)
    }
}
