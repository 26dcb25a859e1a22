//! Deterministic CBOR, read strictly (RFC 8949 §4.2.1).
//!
//! Writing goes through `cbor4ii`, which emits shortest heads. Its reader is lax, so [`Reader`]
//! checks bytes itself: shortest heads, definite lengths, keys in bytewise order and unique,
//! valid UTF-8, nothing trailing, and every length compared with what is left of the input before
//! anything is allocated. [`Value`] is the tree that EPCIS events are made of.
//!
//! **Invariant:** `decode(bytes) == Ok(v)` implies `encode(v) == bytes`.

use crate::decimal::Decimal;
use cbor4ii::core::{
    enc::{Encode as _, Error as EncodeError},
    types,
    utils::BufWriter,
};
use std::borrow::Cow;
use std::collections::TryReserveError;
use std::fmt;

/// Arrays and maps inside one another: deeper than any EPCIS document, shallow enough for a stack.
pub const DEPTH_MAX: usize = 16;

/// What is wrong with a byte string, and where. The fault is the sender's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why} at byte {offset}")]
pub struct DecodeError {
    /// Offset of the offending byte from the start of the input.
    pub offset: usize,
    /// The rule that was broken.
    pub why: DecodeFault,
}

/// The ways in which bytes fail to be the one encoding of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeFault {
    /// A map key occurs twice.
    #[error("duplicate map key")]
    DuplicateKey,
    /// A length or count is larger than what is left of the input.
    #[error("input ends before the declared length")]
    EndOfInput,
    /// A field holds a value its format does not allow.
    #[error("value not allowed here: {0}")]
    Field(&'static str),
    /// An array, map or string without a declared length.
    #[error("indefinite length")]
    IndefiniteLength,
    /// A number outside the 64-bit range of this format.
    #[error("integer out of range")]
    IntegerRange,
    /// Text that is not UTF-8.
    #[error("invalid UTF-8")]
    InvalidUtf8,
    /// A length, integer or tag written longer than needed.
    #[error("not the shortest form")]
    NotShortest,
    /// More bytes than the format's limit.
    #[error("larger than the limit of {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// Arrays and maps nested deeper than [`DEPTH_MAX`].
    #[error("nested too deeply")]
    TooDeep,
    /// Bytes after the end of the value.
    #[error("trailing bytes")]
    TrailingBytes,
    /// A floating-point number, an unknown tag, or an unassigned simple value.
    #[error("unsupported kind of value")]
    Unsupported,
    /// Map keys out of order.
    #[error("map keys not in bytewise order")]
    UnsortedKeys,
    /// Another kind of value than the format has here.
    #[error("expected {expected}")]
    WrongType {
        /// What the format has here.
        expected: &'static str,
    },
}

impl DecodeFault {
    /// This fault at `offset`.
    #[must_use]
    pub const fn at(self, offset: usize) -> DecodeError {
        DecodeError { offset, why: self }
    }
}

/// A strict reader over one byte string.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Starts reading at the first of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Offset of the next unread byte.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.at
    }

    /// The major type (0..=7) of the next value, or `None` at the end.
    #[must_use]
    pub fn peek_major(&self) -> Option<u8> {
        self.bytes.get(self.at).map(|byte| byte >> 5)
    }

    /// The next byte, unread, or `None` at the end.
    #[must_use]
    pub fn peek_byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// An unsigned integer.
    ///
    /// # Errors
    /// [`DecodeError`] if the next value is anything else, or not in its shortest form.
    pub fn uint(&mut self) -> Result<u64, DecodeError> {
        self.head(0, "an unsigned integer")
    }

    /// A signed integer that fits 64 bits.
    ///
    /// # Errors
    /// [`DecodeError`], `IntegerRange` where it does not fit.
    pub fn int(&mut self) -> Result<i64, DecodeError> {
        let start = self.at;
        let (major, argument) = self.any_head()?;
        let magnitude = i64::try_from(argument).map_err(|_| DecodeFault::IntegerRange.at(start))?;
        match major {
            0 => Ok(magnitude),
            1 => Ok(-1 - magnitude),
            _ => Err(DecodeFault::WrongType {
                expected: "an integer",
            }
            .at(start)),
        }
    }

    /// A byte string.
    ///
    /// # Errors
    /// [`DecodeError`] if the next value is anything else, or longer than the input.
    pub fn byte_string(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.head(2, "a byte string")?;
        self.take(length)
    }

    /// A byte string of exactly `N` bytes.
    ///
    /// # Errors
    /// [`DecodeError`] if the next value is anything else.
    pub fn byte_array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let start = self.at;
        self.byte_string()?.try_into().map_err(|_| {
            DecodeFault::WrongType {
                expected: "a byte string of fixed size",
            }
            .at(start)
        })
    }

    /// A text string.
    ///
    /// # Errors
    /// [`DecodeError`] if the next value is anything else, or not UTF-8.
    pub fn text(&mut self) -> Result<&'a str, DecodeError> {
        let length = self.head(3, "a text string")?;
        let start = self.at;
        std::str::from_utf8(self.take(length)?).map_err(|_| DecodeFault::InvalidUtf8.at(start))
    }

    /// The number of items of an array that follows; each takes at least one byte of the input.
    ///
    /// # Errors
    /// [`DecodeError`] if the next value is anything else, or longer than the input.
    pub fn array(&mut self) -> Result<usize, DecodeError> {
        let count = self.head(4, "an array")?;
        self.countable(count, 1)
    }

    /// An array of exactly `count` items.
    ///
    /// # Errors
    /// [`DecodeError`] if the next value is anything else.
    pub fn array_of(&mut self, count: usize, expected: &'static str) -> Result<(), DecodeError> {
        let start = self.at;
        if self.array()? == count {
            Ok(())
        } else {
            Err(DecodeFault::WrongType { expected }.at(start))
        }
    }

    /// The number of pairs of a map that follows. Key order is the caller's to check
    /// (see [`Self::sorted_after`]).
    ///
    /// # Errors
    /// [`DecodeError`] if the next value is anything else, or longer than the input.
    pub fn map(&mut self) -> Result<usize, DecodeError> {
        let count = self.head(5, "a map")?;
        self.countable(count, 2)
    }

    /// A map of exactly `count` pairs with the labels of a COSE header or a CWT.
    ///
    /// # Errors
    /// [`DecodeError`]; `Field` for another number of pairs.
    pub fn labels(&mut self, count: usize) -> Result<(), DecodeError> {
        let at = self.at;
        if self.map()? == count {
            Ok(())
        } else {
            Err(DecodeFault::Field("number of labels").at(at))
        }
    }

    /// The label that must come next.
    ///
    /// # Errors
    /// [`DecodeError`]; `Field` for another.
    pub fn label(&mut self, label: i64) -> Result<(), DecodeError> {
        let at = self.at;
        if self.int()? == label {
            Ok(())
        } else {
            Err(DecodeFault::Field("header label").at(at))
        }
    }

    /// A tag's number; its content follows.
    ///
    /// # Errors
    /// [`DecodeError`] if the next value is anything else.
    pub fn tag(&mut self) -> Result<u64, DecodeError> {
        self.head(6, "a tag")
    }

    /// Reads `null` if it comes next, and says whether it did.
    pub fn null(&mut self) -> bool {
        let found = self.peek_byte() == Some(0xf6);
        if found {
            self.at += 1;
        }
        found
    }

    /// A truth value.
    ///
    /// # Errors
    /// [`DecodeError`] if the next value is anything else.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        let start = self.at;
        match self.peek_byte() {
            Some(0xf4) => {
                self.at += 1;
                Ok(false)
            }
            Some(0xf5) => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(DecodeFault::WrongType {
                expected: "true or false",
            }
            .at(start)),
        }
    }

    /// Checks that the key read from `key_start` on follows `previous` in bytewise order, and
    /// returns its encoding, to be the next call's `previous`.
    ///
    /// # Errors
    /// `DuplicateKey`, `UnsortedKeys`.
    pub fn sorted_after(
        &self,
        previous: Option<&[u8]>,
        key_start: usize,
    ) -> Result<&'a [u8], DecodeError> {
        let key = &self.bytes[key_start..self.at];
        match previous {
            Some(previous) if previous == key => Err(DecodeFault::DuplicateKey.at(key_start)),
            Some(previous) if previous > key => Err(DecodeFault::UnsortedKeys.at(key_start)),
            _ => Ok(key),
        }
    }

    /// The bytes read since `start`.
    #[must_use]
    pub fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.at]
    }

    /// Skips one value of any kind this format knows, and returns its bytes.
    ///
    /// # Errors
    /// [`DecodeError`] as [`Value::read`].
    pub fn skip(&mut self) -> Result<&'a [u8], DecodeError> {
        let start = self.at;
        Value::read(self)?;
        Ok(self.since(start))
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// `TrailingBytes`.
    pub const fn end(&self) -> Result<(), DecodeError> {
        if self.at == self.bytes.len() {
            Ok(())
        } else {
            Err(DecodeFault::TrailingBytes.at(self.at))
        }
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], DecodeError> {
        let rest = &self.bytes[self.at..];
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let taken = rest
            .get(..length)
            .ok_or_else(|| DecodeFault::EndOfInput.at(self.at))?;
        self.at += length;
        Ok(taken)
    }

    fn countable(&self, count: u64, bytes_each_min: usize) -> Result<usize, DecodeError> {
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= (self.bytes.len() - self.at) / bytes_each_min)
            .ok_or_else(|| DecodeFault::EndOfInput.at(self.at))
    }

    fn head(&mut self, wanted: u8, expected: &'static str) -> Result<u64, DecodeError> {
        let start = self.at;
        let (major, argument) = self.any_head()?;
        if major == wanted {
            Ok(argument)
        } else {
            self.at = start;
            Err(DecodeFault::WrongType { expected }.at(start))
        }
    }

    /// Reads a head: major type and argument, shortest form only (RFC 8949 §3, §4.2.1).
    fn any_head(&mut self) -> Result<(u8, u64), DecodeError> {
        let start = self.at;
        let initial = self
            .peek_byte()
            .ok_or_else(|| DecodeFault::EndOfInput.at(start))?;
        self.at += 1;
        let (major, short) = (initial >> 5, initial & 0x1f);
        let (extra, smallest) = match short {
            0..=23 => return Ok((major, u64::from(short))),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            28..=30 => return Err(DecodeFault::Unsupported.at(start)),
            _ => return Err(DecodeFault::IndefiniteLength.at(start)),
        };
        if major == 7 {
            return Err(DecodeFault::Unsupported.at(start));
        }
        let argument = self
            .take(extra)?
            .iter()
            .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        if argument < smallest {
            return Err(DecodeFault::NotShortest.at(start));
        }
        Ok((major, argument))
    }
}

/// A map with text keys in the order of their encodings: by length, then bytewise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map(Vec<(Key, Value)>);

/// A map's key. Most are words of EPCIS, which take no memory of their own.
type Key = Cow<'static, str>;

/// Keys of the events that come most, in the order of a map: of some thirty keys in an event these
/// save an allocation for nearly each, whenever one is read, compared or dropped.
const COMMON_KEYS: [&str; 40] = [
    "",
    "id",
    "uom",
    "ilmd",
    "time",
    "type",
    "value",
    "action",
    "source",
    "bizStep",
    "epcList",
    "eventID",
    "@context",
    "deviceID",
    "epcClass",
    "maxValue",
    "minValue",
    "parentID",
    "quantity",
    "childEPCs",
    "eventTime",
    "meanValue",
    "readPoint",
    "sourceList",
    "bizLocation",
    "destination",
    "disposition",
    "inputEPCList",
    "quantityList",
    "sensorReport",
    "outputEPCList",
    "bizTransaction",
    "sensorMetadata",
    "destinationList",
    "transformationID",
    "childQuantityList",
    "inputQuantityList",
    "sensorElementList",
    "outputQuantityList",
    "eventTimeZoneOffset",
];

/// The key that reads `text`.
fn key(text: &str) -> Key {
    COMMON_KEYS
        .binary_search_by(|known| (known.len(), *known).cmp(&(text.len(), text)))
        .map_or_else(
            |_| Cow::Owned(text.to_owned()),
            |at| Cow::Borrowed(COMMON_KEYS[at]),
        )
}

impl Map {
    /// An empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(other, _)| (other.len(), other.as_ref()).cmp(&(key.len(), key)))
    }

    /// The value under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.position(key).ok().map(|at| &self.0[at].1)
    }

    /// The value under `key`, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.position(key).ok().map(|at| &mut self.0[at].1)
    }

    /// Puts `value` under `key` and returns what was there.
    pub fn insert(&mut self, name: impl AsRef<str>, value: impl Into<Value>) -> Option<Value> {
        let (name, value) = (name.as_ref(), value.into());
        match self.position(name) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (key(name), value));
                None
            }
        }
    }

    /// Adds all of `other` in one merge; `false` where a key is in both, and the map is then spent.
    #[must_use]
    pub fn merge(&mut self, other: &Self) -> bool {
        self.0.extend_from_slice(&other.0);
        // Two sorted runs: linear.
        self.0.sort_by(|(one, _), (other, _)| {
            (one.len(), one.as_ref()).cmp(&(other.len(), other.as_ref()))
        });
        self.0.windows(2).all(|pair| pair[0].0 != pair[1].0)
    }

    /// Takes the value under `key` out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.position(key).ok().map(|at| self.0.remove(at).1)
    }

    /// The pairs in key order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }

    /// The pairs in key order, values to change.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&str, &mut Value)> {
        self.0.iter_mut().map(|(key, value)| (&**key, value))
    }

    /// Number of pairs.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no pair.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: AsRef<str>, V: Into<Value>> FromIterator<(K, V)> for Map {
    /// Later pairs replace earlier ones with the same key.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut map = Self::new();
        for (key, value) in pairs {
            map.insert(key, value);
        }
        map
    }
}

/// What an event is made of: text keys, exact numbers, no floats, no tags but the decimal's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An ordered list.
    Array(Vec<Self>),
    /// `true` or `false`.
    Bool(bool),
    /// Bytes: only digests of withheld parts.
    Bytes(Vec<u8>),
    /// A number that is not an integer of 64 bits: tag 4, `[exponent, mantissa]`.
    Decimal(Decimal),
    /// An integer of 64 bits.
    Int(i64),
    /// A map with text keys.
    Map(Map),
    /// JSON's null.
    Null,
    /// Text, kept byte for byte.
    Text(String),
}

impl Value {
    /// Decodes exactly one value from all of `bytes`.
    ///
    /// # Errors
    /// [`DecodeError`] at the first byte that breaks the one form of a value.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let value = Self::read(&mut reader)?;
        reader.end()?;
        Ok(value)
    }

    /// Reads the next value.
    ///
    /// # Errors
    /// [`DecodeError`] as [`Self::decode`]; `TooDeep` past [`DEPTH_MAX`].
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::read_at(reader, 0)
    }

    fn read_at(reader: &mut Reader<'_>, depth: usize) -> Result<Self, DecodeError> {
        let start = reader.offset();
        if depth > DEPTH_MAX {
            return Err(DecodeFault::TooDeep.at(start));
        }
        match reader
            .peek_major()
            .ok_or_else(|| DecodeFault::EndOfInput.at(start))?
        {
            0 | 1 => reader.int().map(Self::Int),
            2 => reader
                .byte_string()
                .map(|bytes| Self::Bytes(bytes.to_vec())),
            3 => reader.text().map(Self::from),
            4 => (0..reader.array()?)
                .map(|_| Self::read_at(reader, depth + 1))
                .collect::<Result<_, _>>()
                .map(Self::Array),
            5 => {
                let count = reader.map()?;
                // A count is only a claim: no more memory ahead than an event's own keys take.
                let mut pairs = Vec::with_capacity(count.min(16));
                let mut previous = None;
                for _ in 0..count {
                    let key_start = reader.offset();
                    let key = key(reader.text()?);
                    previous = Some(reader.sorted_after(previous, key_start)?);
                    pairs.push((key, Self::read_at(reader, depth + 1)?));
                }
                Ok(Self::Map(Map(pairs)))
            }
            6 => Decimal::read(reader).map(Self::Decimal),
            _ if reader.null() => Ok(Self::Null),
            _ => reader
                .bool()
                .map(Self::Bool)
                .map_err(|_| DecodeFault::Unsupported.at(start)),
        }
    }

    /// The value's one encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.value(self);
        writer.finish()
    }

    /// The text, if it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// Mantissa and power of ten, if it is a number.
    #[must_use]
    pub const fn as_number(&self) -> Option<(i64, i16)> {
        match self {
            Self::Int(whole) => Some((*whole, 0)),
            Self::Decimal(decimal) => Some((decimal.mantissa(), decimal.exponent())),
            Self::Array(_)
            | Self::Bool(_)
            | Self::Bytes(_)
            | Self::Map(_)
            | Self::Null
            | Self::Text(_) => None,
        }
    }

    /// The map, if it is one.
    #[must_use]
    pub const fn as_map(&self) -> Option<&Map> {
        if let Self::Map(map) = self {
            Some(map)
        } else {
            None
        }
    }

    /// The list, if it is one.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self {
            Some(items)
        } else {
            None
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl From<Vec<Self>> for Value {
    fn from(items: Vec<Self>) -> Self {
        Self::Array(items)
    }
}

/// Writes shortest-form CBOR into memory. Map keys are the caller's to put in order.
pub struct Writer(BufWriter);

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Writer")
            .field(&self.0.buffer().len())
            .finish()
    }
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

/// Memory is the only thing a [`Writer`] writes to, so that writing cannot fail.
fn in_memory(result: Result<(), EncodeError<TryReserveError>>) {
    result.expect("writing CBOR to memory fails only when memory is exhausted");
}

impl Writer {
    /// An empty writer.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// An empty writer with room for so many bytes: a long text that grows by doubling is copied
    /// as it grows.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self(BufWriter::new(Vec::with_capacity(bytes)))
    }

    /// What was written.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0.into_inner()
    }

    /// An unsigned integer.
    pub fn uint(&mut self, number: u64) -> &mut Self {
        in_memory(number.encode(&mut self.0));
        self
    }

    /// A signed integer.
    pub fn int(&mut self, number: i64) -> &mut Self {
        in_memory(number.encode(&mut self.0));
        self
    }

    /// A byte string.
    pub fn byte_string(&mut self, bytes: &[u8]) -> &mut Self {
        in_memory(types::Bytes(bytes).encode(&mut self.0));
        self
    }

    /// A text string.
    pub fn text(&mut self, text: &str) -> &mut Self {
        in_memory(text.encode(&mut self.0));
        self
    }

    /// The head of an array of `count` items.
    pub fn array(&mut self, count: usize) -> &mut Self {
        in_memory(types::Array::bounded(count, &mut self.0));
        self
    }

    /// The head of a map of `count` pairs.
    pub fn map(&mut self, count: usize) -> &mut Self {
        in_memory(types::Map::bounded(count, &mut self.0));
        self
    }

    /// A tag's head.
    pub fn tag(&mut self, number: u64) -> &mut Self {
        /// Stands for the tagged content, which the caller writes next.
        struct Nothing;
        impl cbor4ii::core::enc::Encode for Nothing {
            fn encode<W: cbor4ii::core::enc::Write>(
                &self,
                _: &mut W,
            ) -> Result<(), EncodeError<W::Error>> {
                Ok(())
            }
        }
        in_memory(types::Tag(number, Nothing).encode(&mut self.0));
        self
    }

    /// `null`.
    pub fn null(&mut self) -> &mut Self {
        in_memory(types::Null.encode(&mut self.0));
        self
    }

    /// A truth value.
    pub fn bool(&mut self, truth: bool) -> &mut Self {
        in_memory(truth.encode(&mut self.0));
        self
    }

    /// Bytes that already are one encoded value.
    ///
    /// # Panics
    /// When memory is exhausted, as everything that allocates does.
    pub fn raw(&mut self, encoded: &[u8]) -> &mut Self {
        use cbor4ii::core::enc::Write as _;
        self.0
            .push(encoded)
            .expect("writing CBOR to memory fails only when memory is exhausted");
        self
    }

    /// A map of value trees.
    pub fn value_map(&mut self, map: &Map) -> &mut Self {
        self.map(map.len());
        for (key, item) in map.iter() {
            self.text(key).value(item);
        }
        self
    }

    /// A value tree.
    pub fn value(&mut self, value: &Value) -> &mut Self {
        match value {
            Value::Array(items) => {
                self.array(items.len());
                for item in items {
                    self.value(item);
                }
                self
            }
            Value::Bool(truth) => self.bool(*truth),
            Value::Bytes(bytes) => self.byte_string(bytes),
            Value::Decimal(decimal) => {
                decimal.write(self);
                self
            }
            Value::Int(number) => self.int(*number),
            Value::Map(map) => self.value_map(map),
            Value::Null => self.null(),
            Value::Text(text) => self.text(text),
        }
    }
}

#[cfg(test)]
mod tests;
