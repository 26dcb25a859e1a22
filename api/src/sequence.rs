//! A CBOR sequence (RFC 8742) cut into its items while it arrives.
//!
//! Only heads are looked at, each once: what an item says is the ledger's to judge. Memory is
//! bounded by one item's limit, and an item that says it is longer is refused before it arrives.

/// Why a sequence cannot be cut any further. What came before stands; the rest was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SequenceError {
    /// Not the head of an item of definite length.
    #[error("byte {offset} of the sequence does not begin an item of definite length")]
    Head {
        /// Where, from the beginning of the sequence.
        offset: u64,
    },
    /// An item is longer than the limit.
    #[error("the item at byte {offset} of the sequence is longer than {limit_bytes} bytes")]
    TooLong {
        /// Where the item begins.
        offset: u64,
        /// The limit.
        limit_bytes: usize,
    },
    /// The sequence ends inside an item.
    #[error("the sequence ends inside the item at byte {offset}")]
    Torn {
        /// Where the item begins.
        offset: u64,
    },
}

/// Cuts items out of the bytes pushed so far.
#[derive(Debug)]
pub(crate) struct Splitter {
    buffer: Vec<u8>,
    /// Offset of the buffer's first byte in the whole sequence.
    begins: u64,
    /// Bytes of the buffer's first item whose heads were read.
    scanned: usize,
    /// Items still to come before the first item is whole; 0 before its first head.
    open: u64,
    limit_bytes: usize,
}

impl Splitter {
    /// A splitter for items of at most `limit_bytes`.
    pub(crate) const fn new(limit_bytes: usize) -> Self {
        Self {
            buffer: Vec::new(),
            begins: 0,
            scanned: 0,
            open: 0,
            limit_bytes,
        }
    }

    /// Takes in what arrived.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole item; `None`: more bytes are needed.
    ///
    /// # Errors
    /// [`SequenceError::Head`], [`SequenceError::TooLong`].
    pub(crate) fn next_item(&mut self) -> Result<Option<Vec<u8>>, SequenceError> {
        if self.buffer.is_empty() {
            return Ok(None);
        }
        if self.scanned == 0 {
            self.open = 1;
        }
        while self.open > 0 {
            let rest = self.buffer.get(self.scanned..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(None);
            }
            let Some(head) = Head::read(rest).map_err(|()| self.bad_head())? else {
                return Ok(None);
            };
            let length = usize::try_from(head.content).unwrap_or(usize::MAX);
            self.scanned = self
                .scanned
                .saturating_add(head.length)
                .saturating_add(length);
            self.open = (self.open - 1).saturating_add(head.items);
            // Every item is at least one byte, so the count of those to come is a length too.
            let least = u64::try_from(self.scanned)
                .unwrap_or(u64::MAX)
                .saturating_add(self.open);
            if least > u64::try_from(self.limit_bytes).unwrap_or(u64::MAX) {
                return Err(SequenceError::TooLong {
                    offset: self.begins,
                    limit_bytes: self.limit_bytes,
                });
            }
        }
        if self.buffer.len() < self.scanned {
            return Ok(None);
        }
        let rest = self.buffer.split_off(self.scanned);
        self.begins += u64::try_from(self.scanned).unwrap_or_default();
        self.scanned = 0;
        Ok(Some(std::mem::replace(&mut self.buffer, rest)))
    }

    /// Checks that the sequence ended between two items.
    ///
    /// # Errors
    /// [`SequenceError::Torn`].
    pub(crate) const fn end(&self) -> Result<(), SequenceError> {
        if self.buffer.is_empty() {
            Ok(())
        } else {
            Err(SequenceError::Torn {
                offset: self.begins,
            })
        }
    }

    fn bad_head(&self) -> SequenceError {
        let scanned = u64::try_from(self.scanned).unwrap_or_default();
        SequenceError::Head {
            offset: self.begins + scanned,
        }
    }
}

/// The head of one data item (RFC 8949 §3).
struct Head {
    /// Bytes of the head.
    length: usize,
    /// Bytes that follow it: of strings.
    content: u64,
    /// Items that follow it: of arrays, maps and tags.
    items: u64,
}

impl Head {
    /// `Ok(None)`: the head is not all there. `Err`: no head, or one of indefinite length.
    fn read(bytes: &[u8]) -> Result<Option<Self>, ()> {
        let Some((first, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        let (major, info) = (first >> 5, first & 0x1f);
        let width = match info {
            0..=23 => 0,
            24..=27 => 1 << (info - 24),
            _ => return Err(()),
        };
        let Some(argument) = rest.get(..width) else {
            return Ok(None);
        };
        let argument = if width == 0 {
            u64::from(info)
        } else {
            argument
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        };
        let (content, items) = match major {
            2 | 3 => (argument, 0),
            4 => (0, argument),
            5 => (0, argument.saturating_mul(2)),
            6 => (0, 1),
            _ => (0, 0),
        };
        Ok(Some(Self {
            length: 1 + width,
            content,
            items,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::cbor::Writer;
    use proptest::prelude::*;

    fn items() -> Vec<Vec<u8>> {
        let mut statement = Writer::new();
        statement
            .tag(18)
            .array(4)
            .byte_string(&[1; 300])
            .map(1)
            .int(-65537)
            .array(1)
            .uint(7);
        statement.byte_string(b"payload").byte_string(&[2; 64]);
        let mut text = Writer::new();
        text.text("词");
        let mut nothing = Writer::new();
        nothing.array(0);
        vec![
            statement.finish(),
            text.finish(),
            nothing.finish(),
            vec![0xf6],
            vec![0x20],
        ]
    }

    fn split(pieces: &[&[u8]], limit: usize) -> Result<Vec<Vec<u8>>, SequenceError> {
        let mut splitter = Splitter::new(limit);
        let mut found = Vec::new();
        for piece in pieces {
            splitter.push(piece);
            while let Some(item) = splitter.next_item()? {
                found.push(item);
            }
        }
        splitter.end()?;
        Ok(found)
    }

    #[test]
    fn cuts_items_however_they_arrive() {
        let whole: Vec<u8> = items().concat();
        for size in [1, 2, 3, 7, 64, whole.len()] {
            let pieces: Vec<&[u8]> = whole.chunks(size).collect();
            assert_eq!(split(&pieces, 1000), Ok(items()), "pieces of {size}");
        }
        assert_eq!(split(&[], 1000), Ok(Vec::new()));
    }

    #[test]
    fn refuses_by_name() {
        assert_eq!(
            split(&[&[0x01, 0x9f]], 9),
            Err(SequenceError::Head { offset: 1 })
        );
        assert_eq!(split(&[&[0x1c]], 9), Err(SequenceError::Head { offset: 0 }));
        assert_eq!(
            split(&[&[0x01, 0x42, 0x00]], 9),
            Err(SequenceError::Torn { offset: 1 })
        );
        // Ten bytes are announced, none has come.
        let long = SequenceError::TooLong {
            offset: 1,
            limit_bytes: 9,
        };
        assert_eq!(split(&[&[0x01, 0x4a]], 9), Err(long));
        let endless = [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        let long = SequenceError::TooLong {
            offset: 0,
            limit_bytes: 9,
        };
        assert_eq!(split(&[&endless], 9), Err(long));
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(found) = split(&[&bytes], 64) {
                prop_assert_eq!(found.concat(), bytes);
            }
        }
    }
}
