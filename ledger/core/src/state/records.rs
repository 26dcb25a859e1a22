//! The records of the state, each with one encoding.

use super::{
    DecodeError, DecodeFault, Digest, Handle, KeyId, LeafIndex, PublicKey, Reader, UnixMillis,
    Writer, empty_root, node_hash,
};
use crate::policy::GuardedAct;
use crate::registry::SIGNERS_MAX;
use serde::{Deserialize, Serialize};

/// What a participant does. Its number is its bit in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Keeps the registry: admits, suspends, activates rules.
    Authority,
    /// Moves or stores goods that stay another's.
    Carrier,
    /// Buys and sells without changing the goods, vaccines and medicines included.
    Distributor,
    /// Tests samples and signs results.
    Laboratory,
    /// Makes one kind of goods out of others.
    Processor,
    /// Grows, raises, catches, slaughters.
    Producer,
    /// Inspects, holds, recalls.
    Regulator,
    /// Sells to those who eat or use.
    Retailer,
    /// Gives to those who eat or are vaccinated: canteens, vaccination sites.
    Site,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 9] = [
        Self::Authority,
        Self::Carrier,
        Self::Distributor,
        Self::Laboratory,
        Self::Processor,
        Self::Producer,
        Self::Regulator,
        Self::Retailer,
        Self::Site,
    ];

    /// The role's stable word, as in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Carrier => "carrier",
            Self::Distributor => "distributor",
            Self::Laboratory => "laboratory",
            Self::Processor => "processor",
            Self::Producer => "producer",
            Self::Regulator => "regulator",
            Self::Retailer => "retailer",
            Self::Site => "site",
        }
    }

    /// The role with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    const fn bit(self) -> u16 {
        1 << match self {
            Self::Authority => 0,
            Self::Carrier => 1,
            Self::Distributor => 2,
            Self::Laboratory => 3,
            Self::Processor => 4,
            Self::Producer => 5,
            Self::Regulator => 6,
            Self::Retailer => 7,
            Self::Site => 8,
        }
    }
}

/// A set of roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles(u16);

impl Roles {
    /// The set's bits, for the wire.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// A set from its bits; unknown bits are `None`.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Option<Self> {
        if bits < 1 << Role::ALL.len() {
            Some(Self(bits))
        } else {
            None
        }
    }

    /// Whether `role` is in the set.
    #[must_use]
    pub const fn has(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// The roles in the set.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.has(*role))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().fold(0, |bits, role| bits | role.bit()))
    }
}

/// A licence as the log shows it: its kind and dates. Its number is in the registry disclosure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Licence {
    /// `SC`, `JY`, `GSP`, ...; at most 16 bytes.
    pub kind: String,
    /// First moment.
    pub from: UnixMillis,
    /// First moment after.
    pub until: UnixMillis,
}

/// Licences of one participant: a firm holds a handful.
pub(crate) const LICENCES_MAX: usize = 32;

impl Licence {
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer
            .array(3)
            .text(&self.kind)
            .int(self.from.0)
            .int(self.until.0);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = reader.offset();
        reader.array_of(3, "a licence [kind, from, until]")?;
        let kind = reader.text()?.to_owned();
        if kind.is_empty() || kind.len() > 16 {
            return Err(DecodeFault::Field("licence kind").at(start));
        }
        let (from, until) = (UnixMillis(reader.int()?), UnixMillis(reader.int()?));
        Ok(Self { kind, from, until })
    }

    pub(crate) fn read_list(reader: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        let start = reader.offset();
        let count = reader.array()?;
        if count > LICENCES_MAX {
            return Err(DecodeFault::Field("number of licences").at(start));
        }
        (0..count).map(|_| Self::read(reader)).collect()
    }

    pub(crate) fn write_list(licences: &[Self], writer: &mut Writer) {
        writer.array(licences.len());
        for licence in licences {
            licence.write(writer);
        }
    }
}

/// A record of the state, with its one encoding.
pub trait Record: Sized {
    /// The record's one encoding.
    fn encode(&self) -> Vec<u8>;

    /// Reads the record from all of `bytes`.
    ///
    /// # Errors
    /// [`DecodeError`].
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError>;
}

macro_rules! record {
    ($type:ty) => {
        impl Record for $type {
            fn encode(&self) -> Vec<u8> {
                let mut writer = Writer::new();
                self.write(&mut writer);
                writer.finish()
            }

            fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
                let mut reader = Reader::new(bytes);
                let record = Self::read(&mut reader)?;
                reader.end()?;
                Ok(record)
            }
        }
    };
}

/// The acts that need a second signature, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GuardedActs(u16);

impl GuardedActs {
    const fn bit(act: GuardedAct) -> u16 {
        1 << match act {
            GuardedAct::Recall => 0,
            GuardedAct::Suspend => 1,
            GuardedAct::Forget => 2,
        }
    }

    /// Whether `act` needs two signatures.
    #[must_use]
    pub const fn has(self, act: GuardedAct) -> bool {
        self.0 & Self::bit(act) != 0
    }

    /// Says whether `act` needs two signatures from now on.
    pub const fn set(&mut self, act: GuardedAct, required: bool) {
        if required {
            self.0 |= Self::bit(act);
        } else {
            self.0 &= !Self::bit(act);
        }
    }
}

/// The ledger's own record: `[threshold, rules version, founding districts, ? acts with two
/// signatures]`, the last left out while no act needs two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How many authorities must sign an act over an authority.
    pub authority_threshold: u16,
    /// The admission rules in force from the next block on.
    pub rules_version: u16,
    /// The founders' jurisdictions, sorted: who has a say over one of these has a say over the
    /// ledger's rules.
    pub founding_districts: Vec<String>,
    /// The acts that need a second signature, by policy.
    pub second_signature: GuardedActs,
}

impl Config {
    fn write(&self, writer: &mut Writer) {
        let guarded = self.second_signature.0;
        writer
            .array(if guarded == 0 { 3 } else { 4 })
            .uint(u64::from(self.authority_threshold))
            .uint(u64::from(self.rules_version))
            .array(self.founding_districts.len());
        for district in &self.founding_districts {
            writer.text(district);
        }
        if guarded != 0 {
            writer.uint(u64::from(guarded));
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = reader.offset();
        let count = reader.array()?;
        let malformed = || DecodeFault::Field("the ledger's record").at(start);
        if !(3..=4).contains(&count) {
            return Err(malformed());
        }
        let (authority_threshold, rules_version) = (uint16(reader)?, uint16(reader)?);
        let districts = reader.array()?;
        if districts > SIGNERS_MAX {
            return Err(malformed());
        }
        let founding_districts: Vec<String> = (0..districts)
            .map(|_| reader.text().map(str::to_owned))
            .collect::<Result<_, _>>()?;
        let guarded = if count == 4 { uint16(reader)? } else { 0 };
        // One encoding: an empty set is left out, and districts stand in order.
        let sorted = founding_districts.is_sorted_by(|one, next| one < next);
        if !sorted || (count == 4 && guarded == 0) || guarded >= 1 << GuardedAct::ALL.len() {
            return Err(malformed());
        }
        Ok(Self {
            authority_threshold,
            rules_version,
            founding_districts,
            second_signature: GuardedActs(guarded),
        })
    }
}
record!(Config);

fn uint16(reader: &mut Reader<'_>) -> Result<u16, DecodeError> {
    let start = reader.offset();
    u16::try_from(reader.uint()?).map_err(|_| DecodeFault::IntegerRange.at(start))
}

/// A participant: `[suspended, roles, district, licences, since]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// Whether the authority has suspended it: it may then say nothing.
    pub suspended: bool,
    /// What it may do.
    pub roles: Roles,
    /// Its district, GB/T 2260; for an authority or regulator the prefix it acts within
    /// (`51`, `5101`, `510117`).
    pub district: String,
    /// Its licences.
    pub licences: Vec<Licence>,
    /// The entry that last changed this record.
    pub since: LeafIndex,
}

impl Participant {
    fn write(&self, writer: &mut Writer) {
        writer
            .array(5)
            .bool(self.suspended)
            .uint(u64::from(self.roles.bits()));
        writer.text(&self.district);
        Licence::write_list(&self.licences, writer);
        writer.uint(self.since.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array_of(5, "a participant's record")?;
        let suspended = reader.bool()?;
        let start = reader.offset();
        let roles = Roles::from_bits(uint16(reader)?)
            .ok_or_else(|| DecodeFault::Field("roles").at(start))?;
        Ok(Self {
            suspended,
            roles,
            district: read_district(reader)?,
            licences: Licence::read_list(reader)?,
            since: LeafIndex(reader.uint()?),
        })
    }
}
record!(Participant);

/// A GB/T 2260 code or a prefix of one: 2 to 6 digits.
pub(crate) fn read_district(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    let start = reader.offset();
    let text = reader.text()?;
    let fits = (2..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits {
        Ok(text.to_owned())
    } else {
        Err(DecodeFault::Field("district").at(start))
    }
}

/// A key: `[handle, public key, added, retired / null, revoked / null, suspect from / null]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Whose it is.
    pub owner: Handle,
    /// The key itself, 32 bytes.
    pub public_key: [u8; 32],
    /// The entry that added it; it counts from the next leaf.
    pub added: LeafIndex,
    /// The last block time at which it counts.
    pub retired: Option<UnixMillis>,
    /// The entry that revoked it; it does not count from the next leaf on.
    pub revoked: Option<LeafIndex>,
    /// Event times from which statements under it are suspect; flags, never un-admits.
    pub suspect_from: Option<UnixMillis>,
}

/// Whether a key counts at a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStanding {
    /// It counts.
    Counts,
    /// It is added only at or after that leaf.
    NotYet,
    /// Its closing date had passed.
    Retired(UnixMillis),
    /// It had been revoked.
    Revoked(LeafIndex),
}

impl KeyRecord {
    /// Whether this key counts for a statement at `leaf`, in a block of time `at`.
    #[must_use]
    pub fn standing(&self, leaf: LeafIndex, at: UnixMillis) -> KeyStanding {
        if leaf <= self.added {
            return KeyStanding::NotYet;
        }
        match (self.revoked, self.retired) {
            (Some(revoked), _) if leaf > revoked => KeyStanding::Revoked(revoked),
            (_, Some(retired)) if at > retired => KeyStanding::Retired(retired),
            _ => KeyStanding::Counts,
        }
    }

    /// The decoded key, or `None` if the record is damaged.
    #[must_use]
    pub fn key(&self) -> Option<PublicKey> {
        PublicKey::parse_recorded(&self.public_key).ok()
    }

    /// The key's name.
    #[must_use]
    pub fn id(&self) -> Option<KeyId> {
        self.key().map(|key| key.key_id())
    }

    fn write(&self, writer: &mut Writer) {
        writer
            .array(6)
            .byte_string(&self.owner.0)
            .byte_string(&self.public_key);
        writer.uint(self.added.0);
        write_optional(writer, self.retired.map(|time| time.0));
        match self.revoked {
            Some(leaf) => writer.uint(leaf.0),
            None => writer.null(),
        };
        write_optional(writer, self.suspect_from.map(|time| time.0));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array_of(6, "a key's record")?;
        Ok(Self {
            owner: Handle(reader.byte_array()?),
            public_key: reader.byte_array()?,
            added: LeafIndex(reader.uint()?),
            retired: if reader.null() {
                None
            } else {
                Some(UnixMillis(reader.int()?))
            },
            revoked: if reader.null() {
                None
            } else {
                Some(LeafIndex(reader.uint()?))
            },
            suspect_from: if reader.null() {
                None
            } else {
                Some(UnixMillis(reader.int()?))
            },
        })
    }
}
record!(KeyRecord);

fn write_optional(writer: &mut Writer, number: Option<i64>) {
    match number {
        Some(number) => writer.int(number),
        None => writer.null(),
    };
}

/// One participant's leave for another to sign for it: `[until]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// The last block time at which it holds.
    pub until: UnixMillis,
}

impl Delegation {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "all records are written alike"
    )]
    fn write(&self, writer: &mut Writer) {
        writer.array(1).int(self.until.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array_of(1, "a delegation's record")?;
        Ok(Self {
            until: UnixMillis(reader.int()?),
        })
    }
}
record!(Delegation);

/// Owners of the GS1 company prefixes that share their first seven digits:
/// `[+ [prefix, handle]]`, sorted by prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrefixOwners(pub Vec<(String, Handle)>);

impl PrefixOwners {
    /// Who owns the prefix that `digits` (a GS1 key without its indicator) begins with.
    #[must_use]
    pub fn owner_of(&self, digits: &str) -> Option<Handle> {
        self.0
            .iter()
            .find(|(prefix, _)| digits.starts_with(prefix.as_str()))
            .map(|pair| pair.1)
    }

    fn write(&self, writer: &mut Writer) {
        writer.array(self.0.len());
        for (prefix, handle) in &self.0 {
            writer.array(2).text(prefix).byte_string(&handle.0);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.array()?;
        (0..count)
            .map(|_| {
                reader.array_of(2, "[prefix, handle]")?;
                Ok((reader.text()?.to_owned(), Handle(reader.byte_array()?)))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}
record!(PrefixOwners);

/// An item's list of events: `[size, [peaks]]`, the peaks of its RFC 9162 tree, largest first.
///
/// A tree rather than a chain of hashes, so that one part of a long list can be shown and proved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemRecord {
    /// Number of events that touch the item.
    pub size: u64,
    peaks: Vec<Digest>,
}

impl ItemRecord {
    /// Appends a leaf (see [`super::posting_leaf`]).
    pub fn push(&mut self, leaf: Digest) {
        let mut peak = leaf;
        for _ in 0..self.size.trailing_ones() {
            // One peak for each set bit of the size: there are at least as many as trailing ones.
            if let Some(left) = self.peaks.pop() {
                peak = node_hash(&left, &peak);
            }
        }
        self.peaks.push(peak);
        self.size += 1;
    }

    /// The root of the list's tree.
    #[must_use]
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => empty_root(),
            Some(last) => peaks.fold(*last, |right, left| node_hash(left, &right)),
        }
    }

    fn write(&self, writer: &mut Writer) {
        writer.array(2).uint(self.size).array(self.peaks.len());
        for peak in &self.peaks {
            writer.byte_string(&peak.0);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = reader.offset();
        reader.array_of(2, "an item's record")?;
        let size = reader.uint()?;
        let peaks: Vec<Digest> = (0..reader.array()?)
            .map(|_| reader.byte_array().map(Digest))
            .collect::<Result<_, _>>()?;
        if usize::try_from(size.count_ones()) != Ok(peaks.len()) {
            return Err(DecodeFault::Field("peaks").at(start));
        }
        Ok(Self { size, peaks })
    }
}
record!(ItemRecord);

/// An admitted submission: `[leaf, digest of what was signed]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureRecord {
    /// Where it was admitted.
    pub leaf: LeafIndex,
    /// SHA-256 of its `Sig_structure`.
    pub signed: Digest,
}

impl CaptureRecord {
    fn write(&self, writer: &mut Writer) {
        writer
            .array(2)
            .uint(self.leaf.0)
            .byte_string(&self.signed.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array_of(2, "a submission's record")?;
        Ok(Self {
            leaf: LeafIndex(reader.uint()?),
            signed: Digest(reader.byte_array()?),
        })
    }
}
record!(CaptureRecord);

/// Another region: `[policy]`, a C2SP tlog-policy, empty once its log is no longer believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegionRecord {
    /// By which imports are judged.
    pub policy: String,
}

impl RegionRecord {
    fn write(&self, writer: &mut Writer) {
        writer.array(1).text(&self.policy);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array_of(1, "a region's record")?;
        Ok(Self {
            policy: reader.text()?.to_owned(),
        })
    }
}
record!(RegionRecord);

/// An event by its id: `[leaf, index, corrected]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// The statement's leaf.
    pub leaf: LeafIndex,
    /// The event's index in the statement.
    pub index: u16,
    /// Whether its issuer has declared it wrong.
    pub corrected: bool,
}

impl EventRecord {
    fn write(&self, writer: &mut Writer) {
        writer
            .array(3)
            .uint(self.leaf.0)
            .uint(u64::from(self.index))
            .bool(self.corrected);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array_of(3, "an event's record")?;
        Ok(Self {
            leaf: LeafIndex(reader.uint()?),
            index: uint16(reader)?,
            corrected: reader.bool()?,
        })
    }
}
record!(EventRecord);
