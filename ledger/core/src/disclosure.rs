//! Disclosures and parts: what is signed by hash, shown by choice, and deletable.
//!
//! The log holds the root of a tree over a statement's disclosures, never the disclosures. Each
//! is `[salt, map]`; any map inside may name, under the reserved empty key, the hashes of parts
//! `[salt, {fields}, class]` withheld from it. Restoring puts a part's fields back into exactly
//! the map that names it.
//!
//! **Invariants:** a salt is 16 random bytes, never zero, never twice in a statement; a hash is
//! over the bytes as received; a key never appears twice after restoring.
//!
//! Bytes: `schemas/suyuan.cddl`, rules `disclosure`, `part`, `body`. At rest: [`crate::stored`].

use crate::access::Sight;
use crate::cbor::{DecodeError, DecodeFault, Map, Reader, Value, Writer};
use crate::hash::{Digest, leaf_hash};
use std::collections::BTreeMap;

/// The reserved key under which a map lists the hashes of what is withheld from it. EPCIS has no
/// field without a name, so nothing else can stand there.
pub const WITHHELD: &str = "";

/// Disclosures in one statement: a client's ERP batch, and a bound on a block's work.
pub const DISCLOSURES_MAX: usize = 1000;

/// One encoded disclosure or part: the size limit of an event.
pub const DISCLOSURE_BYTES_MAX: usize = 256 * 1024;

/// Parts of one disclosure: two for each map that has anything to withhold.
pub const PARTS_MAX: usize = 4096;

/// 16 random bytes that keep a commitment from being guessed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Salt(pub [u8; 16]);

impl std::fmt::Debug for Salt {
    /// A salt opens a commitment, so that it is not printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(..)")
    }
}

/// Who may see a withheld part, and whether it can be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// For the parties to the event, the region's regulators, and partners by agreement.
    Confidential,
    /// Deletable at any time on lawful order; no rule reads it.
    Personal,
}

impl Class {
    /// The word in the encoded part.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Confidential => "confidential",
            Self::Personal => "personal",
        }
    }

    /// The least sight of an event that opens such a part.
    #[must_use]
    pub const fn opens_at(self) -> Sight {
        match self {
            Self::Confidential => Sight::Confidential,
            Self::Personal => Sight::Personal,
        }
    }
}

/// Fields withheld from one map of a disclosure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    encoded: Vec<u8>,
    salt: Salt,
    fields: Map,
    class: Class,
}

impl Part {
    /// Encodes `fields` as a part.
    #[must_use]
    pub fn seal(salt: Salt, fields: Map, class: Class) -> Self {
        let mut writer = Writer::new();
        writer
            .array(3)
            .byte_string(&salt.0)
            .value_map(&fields)
            .text(class.word());
        Self {
            encoded: writer.finish(),
            salt,
            fields,
            class,
        }
    }

    /// Reads a part.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(encoded: &[u8]) -> Result<Self, DecodeError> {
        limit(encoded)?;
        let mut reader = Reader::new(encoded);
        reader.array_of(3, "a part [salt, fields, class]")?;
        let salt = Salt(reader.byte_array()?);
        let fields = read_map(&mut reader)?;
        let at = reader.offset();
        let class = match reader.text()? {
            "confidential" => Class::Confidential,
            "personal" => Class::Personal,
            _ => return Err(DecodeFault::Field("class").at(at)),
        };
        reader.end()?;
        Ok(Self {
            encoded: encoded.to_vec(),
            salt,
            fields,
            class,
        })
    }

    /// What the map that this part belongs to lists: SHA-256 of the encoded part.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.encoded)
    }

    /// The part's bytes.
    #[must_use]
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// The withheld fields.
    #[must_use]
    pub const fn fields(&self) -> &Map {
        &self.fields
    }

    /// Who may see them.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }
}

/// The public part of one event or registry record, under its salt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disclosure {
    encoded: Vec<u8>,
    salt: Salt,
    map: Map,
}

impl Disclosure {
    /// Encodes `map` as a disclosure.
    #[must_use]
    pub fn seal(salt: Salt, map: Map) -> Self {
        let mut writer = Writer::new();
        writer.array(2).byte_string(&salt.0).value_map(&map);
        Self {
            encoded: writer.finish(),
            salt,
            map,
        }
    }

    /// Reads a disclosure.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(encoded: &[u8]) -> Result<Self, DecodeError> {
        limit(encoded)?;
        let mut reader = Reader::new(encoded);
        reader.array_of(2, "a disclosure [salt, map]")?;
        let salt = Salt(reader.byte_array()?);
        let map = read_map(&mut reader)?;
        reader.end()?;
        Ok(Self {
            encoded: encoded.to_vec(),
            salt,
            map,
        })
    }

    /// This disclosure's leaf in its statement's tree.
    #[must_use]
    pub fn leaf(&self) -> Digest {
        leaf_hash(&self.encoded)
    }

    /// The disclosure's bytes.
    #[must_use]
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// The public fields, with the hashes of what is withheld.
    #[must_use]
    pub const fn map(&self) -> &Map {
        &self.map
    }
}

fn limit(encoded: &[u8]) -> Result<(), DecodeError> {
    if encoded.len() > DISCLOSURE_BYTES_MAX {
        return Err(DecodeFault::TooLarge {
            limit_bytes: DISCLOSURE_BYTES_MAX,
        }
        .at(0));
    }
    Ok(())
}

fn read_map(reader: &mut Reader<'_>) -> Result<Map, DecodeError> {
    let at = reader.offset();
    match Value::read(reader)? {
        Value::Map(map) => Ok(map),
        Value::Array(_)
        | Value::Bool(_)
        | Value::Bytes(_)
        | Value::Decimal(_)
        | Value::Int(_)
        | Value::Null
        | Value::Text(_) => Err(DecodeFault::WrongType { expected: "a map" }.at(at)),
    }
}

/// A disclosure as it travels: its index in the statement and those of its parts at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disclosed {
    /// Position in the statement's tree, from 0.
    pub index: u16,
    /// The public part.
    pub disclosure: Disclosure,
    /// Withheld parts, in any order.
    pub parts: Vec<Part>,
}

/// Why a disclosure and its parts do not belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DisclosureError {
    /// Two parts, or a part and its map, carry the same field.
    #[error("a field stands twice after restoring its parts")]
    FieldTwice,
    /// The value under the reserved key is not a sorted list of distinct digests.
    #[error("the list of withheld parts is malformed")]
    MalformedList,
    /// Parts inside parts deeper than any map can nest.
    #[error("parts nest too deeply")]
    TooDeep,
    /// A part belongs to no map of this disclosure.
    #[error("a part belongs to no map of its disclosure")]
    PartUnmatched,
    /// A hash is listed whose part was not delivered.
    #[error("a withheld part was not delivered")]
    PartMissing,
    /// A part hides what the rules must see, or shows as confidential what is personal.
    #[error(
        "a part holds a field that belongs in the public part, or a person's data outside a personal part"
    )]
    WrongPart,
    /// A salt of zeros, or one that occurs twice.
    #[error("a salt is zero or repeated")]
    WeakSalt,
}

impl Disclosed {
    /// The map with the parts at hand put back; hashes of other parts stay where they are.
    ///
    /// # Errors
    /// [`DisclosureError`] if a part has no place, or brings a field that is there already.
    pub fn restore(&self) -> Result<Map, DisclosureError> {
        let mut parts: BTreeMap<Digest, &Part> = self
            .parts
            .iter()
            .map(|part| (part.digest(), part))
            .collect();
        let distinct = parts.len() == self.parts.len();
        let mut map = self.disclosure.map.clone();
        restore_into(&mut map, &mut parts, 0)?;
        if parts.is_empty() && distinct {
            Ok(map)
        } else {
            Err(DisclosureError::PartUnmatched)
        }
    }

    /// Checks that nothing is withheld that was not delivered, as first submission demands.
    ///
    /// # Errors
    /// [`DisclosureError`].
    pub fn check_whole(&self) -> Result<(), DisclosureError> {
        let map = self.restore()?;
        if lists_anything(&map) {
            Err(DisclosureError::PartMissing)
        } else {
            Ok(())
        }
    }

    /// The salts of the disclosure and its parts.
    pub fn salts(&self) -> impl Iterator<Item = Salt> {
        std::iter::once(self.disclosure.salt).chain(self.parts.iter().map(|part| part.salt))
    }

    /// Appends `[index, disclosure, [parts]]`.
    pub fn write(&self, writer: &mut Writer) {
        writer
            .array(3)
            .uint(u64::from(self.index))
            .byte_string(&self.disclosure.encoded);
        writer.array(self.parts.len());
        for part in &self.parts {
            writer.byte_string(&part.encoded);
        }
    }

    /// Reads `[index, disclosure, [parts]]`.
    ///
    /// # Errors
    /// [`DecodeError`]; `Field("index")` for an index of 1000 or more.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array_of(3, "[index, disclosure, parts]")?;
        let index = read_index(reader)?;
        let within = |offset: usize| move |error: DecodeError| error.why.at(offset + error.offset);
        let at = reader.offset();
        let disclosure = Disclosure::decode(reader.byte_string()?).map_err(within(at))?;
        let at = reader.offset();
        let count = reader.array()?;
        if count > PARTS_MAX {
            return Err(DecodeFault::Field("parts").at(at));
        }
        let parts = (0..count)
            .map(|_| {
                let at = reader.offset();
                Part::decode(reader.byte_string()?).map_err(within(at))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            index,
            disclosure,
            parts,
        })
    }
}

/// Reads a disclosure's index.
///
/// # Errors
/// [`DecodeError`]; `Field("index")` for 1000 or more.
pub(crate) fn read_index(reader: &mut Reader<'_>) -> Result<u16, DecodeError> {
    let start = reader.offset();
    u16::try_from(reader.uint()?)
        .ok()
        .filter(|index| usize::from(*index) < DISCLOSURES_MAX)
        .ok_or_else(|| DecodeFault::Field("index").at(start))
}

/// Encodes a statement's disclosures as one array: the unprotected header's value. What a store
/// keeps is written by [`crate::stored::encode`].
#[must_use]
pub fn encode_body(disclosed: &[Disclosed]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(disclosed.len());
    for one in disclosed {
        one.write(&mut writer);
    }
    writer.finish()
}

/// Reads what [`encode_body`] wrote: at most 1000 disclosures, indices rising.
///
/// # Errors
/// [`DecodeError`].
pub fn decode_body(bytes: &[u8]) -> Result<Vec<Disclosed>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let disclosed = read_body(&mut reader)?;
    reader.end()?;
    Ok(disclosed)
}

/// Reads a body where it stands in something larger.
///
/// # Errors
/// [`DecodeError`].
pub fn read_body(reader: &mut Reader<'_>) -> Result<Vec<Disclosed>, DecodeError> {
    let start = reader.offset();
    let count = reader.array()?;
    if count > DISCLOSURES_MAX {
        return Err(DecodeFault::Field("number of disclosures").at(start));
    }
    let disclosed: Vec<Disclosed> = (0..count)
        .map(|_| Disclosed::read(reader))
        .collect::<Result<_, _>>()?;
    if disclosed
        .windows(2)
        .any(|pair| pair[0].index >= pair[1].index)
    {
        return Err(DecodeFault::Field("order of disclosures").at(start));
    }
    Ok(disclosed)
}

/// Puts parts back into `map` and into the maps inside it. Depth is bounded by the decoder for
/// what was there, and by the count here for parts that bring parts.
fn restore_into(
    map: &mut Map,
    parts: &mut BTreeMap<Digest, &Part>,
    depth: usize,
) -> Result<(), DisclosureError> {
    if depth > 2 * crate::cbor::DEPTH_MAX {
        return Err(DisclosureError::TooDeep);
    }
    if let Some(listed) = map.remove(WITHHELD) {
        let mut kept = Vec::new();
        for digest in listed_digests(&listed)? {
            let Some(part) = parts.remove(&digest) else {
                kept.push(Value::Bytes(digest.0.to_vec()));
                continue;
            };
            if part.fields.get(WITHHELD).is_some() {
                return Err(DisclosureError::MalformedList);
            }
            if !map.merge(&part.fields) {
                return Err(DisclosureError::FieldTwice);
            }
        }
        if !kept.is_empty() {
            map.insert(WITHHELD, kept);
        }
    }
    map.iter_mut()
        .filter(|(key, _)| *key != WITHHELD)
        .try_for_each(|(_, value)| restore_value(value, parts, depth + 1))
}

fn restore_value(
    value: &mut Value,
    parts: &mut BTreeMap<Digest, &Part>,
    depth: usize,
) -> Result<(), DisclosureError> {
    match value {
        Value::Map(map) => restore_into(map, parts, depth),
        Value::Array(items) => items
            .iter_mut()
            .try_for_each(|item| restore_value(item, parts, depth + 1)),
        Value::Bool(_)
        | Value::Bytes(_)
        | Value::Decimal(_)
        | Value::Int(_)
        | Value::Null
        | Value::Text(_) => Ok(()),
    }
}

/// The digests under the reserved key: at least one, strictly rising, so that their order says
/// nothing about what they hide.
fn listed_digests(listed: &Value) -> Result<Vec<Digest>, DisclosureError> {
    let digests: Option<Vec<Digest>> = listed
        .as_array()
        .ok_or(DisclosureError::MalformedList)?
        .iter()
        .map(|item| {
            if let Value::Bytes(bytes) = item {
                Digest::from_slice(bytes)
            } else {
                None
            }
        })
        .collect();
    digests
        .filter(|digests| !digests.is_empty() && digests.windows(2).all(|pair| pair[0] < pair[1]))
        .ok_or(DisclosureError::MalformedList)
}

fn lists_anything(map: &Map) -> bool {
    fn in_value(value: &Value) -> bool {
        match value {
            Value::Map(map) => lists_anything(map),
            Value::Array(items) => items.iter().any(in_value),
            Value::Bool(_)
            | Value::Bytes(_)
            | Value::Decimal(_)
            | Value::Int(_)
            | Value::Null
            | Value::Text(_) => false,
        }
    }
    map.iter()
        .any(|(key, value)| key == WITHHELD || in_value(value))
}

/// Takes the fields for which `class_of` names a class out of `map` and seals them as parts.
///
/// At most one part of each class leaves this map; the caller goes into inner maps first.
/// `salt` is called once per part.
pub fn withhold(
    map: &mut Map,
    class_of: impl Fn(&str) -> Option<Class>,
    salt: &mut dyn FnMut() -> Salt,
    parts: &mut Vec<Part>,
) {
    let mut digests = Vec::new();
    for class in [Class::Confidential, Class::Personal] {
        let keys: Vec<String> = map
            .iter()
            .filter(|(key, _)| class_of(key) == Some(class))
            .map(|(key, _)| key.to_owned())
            .collect();
        if keys.is_empty() {
            continue;
        }
        let fields = keys
            .iter()
            .filter_map(|key| Some((key.clone(), map.remove(key)?)))
            .collect();
        let part = Part::seal(salt(), fields, class);
        digests.push(part.digest());
        parts.push(part);
    }
    if !digests.is_empty() {
        digests.sort_unstable();
        let listed: Vec<Value> = digests
            .iter()
            .map(|digest| Value::Bytes(digest.0.to_vec()))
            .collect();
        map.insert(WITHHELD, listed);
    }
}

/// Checks that no salt is zero or used twice among `disclosed`.
///
/// # Errors
/// [`DisclosureError::WeakSalt`].
pub fn check_salts(disclosed: &[Disclosed]) -> Result<(), DisclosureError> {
    let mut salts: Vec<Salt> = disclosed.iter().flat_map(Disclosed::salts).collect();
    salts.sort_unstable();
    if salts.first() == Some(&Salt([0; 16])) || salts.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(DisclosureError::WeakSalt);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter() -> impl FnMut() -> Salt {
        let mut next = 0_u8;
        move || {
            next += 1;
            Salt([next; 16])
        }
    }

    fn event() -> Map {
        let quantity: Map = [
            ("epcClass", Value::from("urn:x")),
            ("quantity", Value::Int(7)),
        ]
        .into_iter()
        .collect();
        [
            ("type", Value::from("ObjectEvent")),
            ("price", Value::Int(3)),
            ("driver", Value::from("wang")),
            ("quantityList", Value::Array(vec![Value::Map(quantity)])),
        ]
        .into_iter()
        .collect()
    }

    fn sealed() -> Disclosed {
        let (mut map, mut parts, mut salt) = (event(), Vec::new(), counter());
        if let Some(Value::Array(list)) = map.get_mut("quantityList")
            && let Value::Map(element) = &mut list[0]
        {
            let class = |key: &str| (key == "quantity").then_some(Class::Confidential);
            withhold(element, class, &mut salt, &mut parts);
        }
        let class = |key: &str| match key {
            "price" => Some(Class::Confidential),
            "driver" => Some(Class::Personal),
            _ => None,
        };
        withhold(&mut map, class, &mut salt, &mut parts);
        Disclosed {
            index: 0,
            disclosure: Disclosure::seal(salt(), map),
            parts,
        }
    }

    #[test]
    fn parts_at_any_depth_are_put_back_where_they_were() {
        let whole = sealed();
        assert_eq!(whole.parts.len(), 3);
        assert_eq!(whole.restore(), Ok(event()));
        assert_eq!(whole.check_whole(), Ok(()));
        assert_eq!(
            decode_body(&encode_body(std::slice::from_ref(&whole))),
            Ok(vec![whole])
        );
    }

    #[test]
    fn a_missing_part_is_named_and_the_rest_is_still_restored() {
        let mut some = sealed();
        some.parts
            .retain(|part| part.class() == Class::Confidential);
        let map = some.restore().unwrap();
        assert_eq!(map.get("price"), Some(&Value::Int(3)));
        assert_eq!(map.get("driver"), None);
        assert_eq!(some.check_whole(), Err(DisclosureError::PartMissing));
    }

    #[test]
    fn a_part_of_another_disclosure_is_refused() {
        let mut foreign = sealed();
        let part = Part::seal(Salt([9; 16]), event(), Class::Confidential);
        foreign.parts.push(part);
        assert_eq!(foreign.restore(), Err(DisclosureError::PartUnmatched));
        let mut twice = sealed();
        twice.parts.push(twice.parts[0].clone());
        assert_eq!(twice.restore(), Err(DisclosureError::PartUnmatched));
    }

    #[test]
    fn a_field_cannot_stand_twice() {
        let part = Part::seal(Salt([1; 16]), event(), Class::Confidential);
        let mut map = event();
        map.insert(WITHHELD, vec![Value::Bytes(part.digest().0.to_vec())]);
        let disclosure = Disclosure::seal(Salt([2; 16]), map);
        let disclosed = Disclosed {
            index: 0,
            disclosure,
            parts: vec![part],
        };
        assert_eq!(disclosed.restore(), Err(DisclosureError::FieldTwice));
    }

    #[test]
    fn zero_and_repeated_salts_are_refused() {
        let mut one = sealed();
        assert_eq!(check_salts(std::slice::from_ref(&one)), Ok(()));
        let again = one.clone();
        assert_eq!(
            check_salts(&[one.clone(), again]),
            Err(DisclosureError::WeakSalt)
        );
        one.disclosure = Disclosure::seal(Salt([0; 16]), event());
        assert_eq!(check_salts(&[one]), Err(DisclosureError::WeakSalt));
    }

    #[test]
    fn a_malformed_list_is_refused() {
        for listed in [
            Value::Int(1),
            Value::Array(vec![]),
            Value::Array(vec![Value::Bytes(vec![1; 31])]),
            Value::Array(vec![Value::Bytes(vec![2; 32]), Value::Bytes(vec![1; 32])]),
        ] {
            let map: Map = [(WITHHELD, listed)].into_iter().collect();
            let disclosure = Disclosure::seal(Salt([2; 16]), map);
            let disclosed = Disclosed {
                index: 0,
                disclosure,
                parts: vec![],
            };
            assert_eq!(disclosed.restore(), Err(DisclosureError::MalformedList));
        }
    }
}
