//! Reading of LMDB files: the unnamed database of a file in the format of a 64-bit little-endian machine.
//!
//! Nothing is mapped, locked or written, and every page number, offset and size is checked. The layout is that of
//! `mdb.c` of LMDB 0.9 (`MDB_page`, `MDB_node`, `MDB_meta`, `MDB_db`): pages of one size, of which the first two are
//! meta pages, a B+ tree of branch and leaf pages, and overflow pages for large values.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Size of the header of a page in bytes.
const HEADER_BYTES: usize = 16;
/// Size of a node's header in bytes.
const NODE_BYTES: usize = 8;
/// Number of bytes at the start of a page that hold its header and the meta data.
const META_BYTES: usize = 152;
/// Word at the start of meta data.
const MAGIC: u32 = 0xbeef_c0de;
/// Version of the format.
const VERSION: u32 = 1;
/// Sizes that a page may have in bytes. LMDB itself takes that of the machine's memory.
const PAGE_BYTES: std::ops::RangeInclusive<u64> = 512..=65536;
/// Greatest depth of a tree, which is that of LMDB's cursors.
const MAX_DEPTH: usize = 32;
/// Number of the root page of an empty tree.
const NO_PAGE: u64 = u64::MAX;

/// Flags of pages.
const BRANCH: u16 = 1;
const LEAF: u16 = 2;
const OVERFLOW: u16 = 4;
const META: u16 = 8;
/// Flag of a node whose value is in overflow pages.
const BIG_VALUE: u16 = 1;
/// Flags of a node that holds a database or several values.
const NESTED: u16 = 2 | 4;
/// Flag of a database with several values for a key.
const DUPLICATES: u16 = 4;

/// A fault of an LMDB file.
#[derive(Debug, thiserror::Error)]
pub(super) enum LmdbError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is no LMDB file, or one that is not read here.
    #[error("{0}")]
    Other(&'static str),
    /// The file is damaged.
    #[error("damaged LMDB file at byte {byte}: {what}")]
    Damaged {
        /// Byte offset in the file.
        byte: u64,
        /// What is wrong.
        what: &'static str,
    },
}

/// A place of a value in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ValuePlace {
    /// Offset in bytes.
    pub(super) byte: u64,
    /// Size in bytes.
    pub(super) size: u32,
}

/// The newest state of a database in an open file.
#[derive(Debug)]
pub(super) struct Lmdb {
    file: File,
    page_bytes: u64,
    /// Number of pages that are in use and in the file.
    pages: u64,
    root: u64,
}

/// What a meta page says.
struct Meta {
    page_bytes: u64,
    root: u64,
    last_page: u64,
    transaction: u64,
}

/// Returns `N` bytes at an offset.
fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes_at(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes_at(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes_at(bytes, at).map(u64::from_le_bytes)
}

impl Meta {
    /// Offsets in a meta page.
    const MAGIC_AT: usize = 16;
    const VERSION_AT: usize = 20;
    const PAGE_BYTES_AT: usize = 40;
    const FLAGS_AT: usize = 92;
    const ROOT_AT: usize = 128;
    const LAST_PAGE_AT: usize = 136;
    const TRANSACTION_AT: usize = 144;

    fn read(page: &[u8]) -> Result<Self, LmdbError> {
        let fields = || {
            let is_meta = u16_at(page, 10)? & META != 0 && u32_at(page, Self::MAGIC_AT)? == MAGIC;
            Some((is_meta, u32_at(page, Self::VERSION_AT)?, u16_at(page, Self::FLAGS_AT)?))
        };
        match fields() {
            Some((true, VERSION, flags)) if flags & DUPLICATES == 0 => {}
            Some((true, VERSION, _)) => return Err(LmdbError::Other("has several values for a key")),
            Some((true, ..)) => return Err(LmdbError::Other("is an LMDB file of another version than 1")),
            _ => return Err(LmdbError::Other("is no LMDB file of a 64-bit little-endian machine")),
        }
        let meta = || {
            Some(Self {
                page_bytes: u32_at(page, Self::PAGE_BYTES_AT)?.into(),
                root: u64_at(page, Self::ROOT_AT)?,
                last_page: u64_at(page, Self::LAST_PAGE_AT)?,
                transaction: u64_at(page, Self::TRANSACTION_AT)?,
            })
        };
        meta().ok_or(LmdbError::Damaged { byte: 0, what: "the meta page is cut off" })
    }
}

impl Lmdb {
    /// Reads the meta pages of a file.
    ///
    /// # Errors
    /// Returns an [`LmdbError`] if it cannot be read or is no such file.
    pub(super) fn open(mut file: File) -> Result<Self, LmdbError> {
        let size = file.metadata()?.len();
        let mut page = Vec::new();
        (&mut file).take(META_BYTES as u64).read_to_end(&mut page)?;
        let first = Meta::read(&page)?;
        let page_bytes = first.page_bytes;
        if !page_bytes.is_power_of_two() || !PAGE_BYTES.contains(&page_bytes) {
            return Err(LmdbError::Damaged { byte: 0, what: "a page size that no machine has" });
        }
        file.seek(SeekFrom::Start(page_bytes))?;
        page.clear();
        (&mut file).take(META_BYTES as u64).read_to_end(&mut page)?;
        let second = Meta::read(&page)?;
        let newest = if second.transaction > first.transaction { second } else { first };
        if newest.page_bytes != page_bytes {
            return Err(LmdbError::Damaged { byte: page_bytes, what: "two page sizes" });
        }
        // Pages at the end that were freed before they were written are not in the file.
        let pages = newest.last_page.saturating_add(1).min(size / page_bytes);
        Ok(Self { file, page_bytes, pages, root: newest.root })
    }

    fn damaged(&self, page: u64, what: &'static str) -> LmdbError {
        LmdbError::Damaged { byte: page.saturating_mul(self.page_bytes), what }
    }

    /// Reads the beginning of a page and checks that it is the one with this number.
    fn page(&mut self, number: u64, bytes: usize, page: &mut Vec<u8>) -> Result<(), LmdbError> {
        if number >= self.pages {
            return Err(self.damaged(number, "a page behind the last one"));
        }
        page.clear();
        page.resize(bytes, 0);
        self.file.seek(SeekFrom::Start(number * self.page_bytes))?;
        self.file.read_exact(page)?;
        if u64_at(page, 0) != Some(number) {
            return Err(self.damaged(number, "a page with another number"));
        }
        Ok(())
    }

    /// Calls `take` with every key and the place of its value, in the order of the keys.
    ///
    /// # Errors
    /// Returns an [`LmdbError`] if the file is damaged, or the errors of `take`.
    pub(super) fn each(
        &mut self,
        mut take: impl FnMut(&[u8], ValuePlace) -> Result<(), LmdbError>,
    ) -> Result<(), LmdbError> {
        // The pages on the way to the current one, each with the next of its nodes.
        let mut open: Vec<(Vec<u8>, u64, usize)> = Vec::new();
        let (mut next, mut visited) = ((self.root != NO_PAGE).then_some(self.root), 0u64);
        loop {
            if let Some(number) = next.take() {
                visited += 1;
                if open.len() == MAX_DEPTH || visited > self.pages {
                    return Err(self.damaged(number, "a tree that is too deep or has a loop"));
                }
                let mut page = Vec::new();
                self.page(number, usize::try_from(self.page_bytes).unwrap_or_default(), &mut page)?;
                open.push((page, number, 0));
            }
            let Some((page, number, node)) = open.last_mut() else { return Ok(()) };
            let number = *number;
            let Some(found) = Node::read(page, *node) else {
                return Err(self.damaged(number, "a node that leads out of its page"));
            };
            *node += 1;
            match found {
                Node::End => {
                    open.pop();
                }
                Node::Branch { page } => next = Some(page),
                Node::Nested => return Err(LmdbError::Other("holds a database within the database")),
                Node::Value { key, at, size } => {
                    let byte = number * self.page_bytes + at as u64;
                    take(key, ValuePlace { byte, size })?;
                }
                Node::Big { key, first, size } => {
                    let key = key.to_vec();
                    let place = self.overflow(first, size)?;
                    take(&key, place)?;
                }
            }
        }
    }

    /// Returns the place of a value in overflow pages.
    fn overflow(&mut self, first: u64, size: u32) -> Result<ValuePlace, LmdbError> {
        let mut header = Vec::new();
        self.page(first, HEADER_BYTES, &mut header)?;
        let is_overflow = u16_at(&header, 10).is_some_and(|flags| flags & OVERFLOW != 0);
        let count = u64::from(u32_at(&header, 12).unwrap_or_default());
        let fits = is_overflow
            && first.checked_add(count).is_some_and(|end| end <= self.pages)
            && HEADER_BYTES as u64 + u64::from(size) <= count * self.page_bytes;
        if !fits {
            return Err(self.damaged(first, "overflow pages that do not hold their value"));
        }
        Ok(ValuePlace { byte: first * self.page_bytes + HEADER_BYTES as u64, size })
    }

    /// Appends a value to `bytes`.
    ///
    /// # Errors
    /// Returns [`LmdbError::Io`] if it cannot be read.
    pub(super) fn value(&mut self, place: ValuePlace, bytes: &mut Vec<u8>) -> Result<(), LmdbError> {
        self.file.seek(SeekFrom::Start(place.byte))?;
        let read = (&mut self.file).take(place.size.into()).read_to_end(bytes)?;
        if read < place.size as usize {
            return Err(LmdbError::Damaged { byte: place.byte, what: "the file is cut off" });
        }
        Ok(())
    }
}

/// A node of a branch or leaf page.
enum Node<'a> {
    /// No more nodes.
    End,
    /// A page below.
    Branch { page: u64 },
    /// A key with its value in the page, at this offset.
    Value { key: &'a [u8], at: usize, size: u32 },
    /// A key with its value in overflow pages.
    Big { key: &'a [u8], first: u64, size: u32 },
    /// A database or several values.
    Nested,
}

impl<'a> Node<'a> {
    /// Reads a node by its index. Returns `None` if it or the page is malformed.
    fn read(page: &'a [u8], index: usize) -> Option<Self> {
        let (flags, lower) = (u16_at(page, 10)?, usize::from(u16_at(page, 12)?));
        if !matches!(flags & (BRANCH | LEAF), BRANCH | LEAF) || lower < HEADER_BYTES {
            return None;
        }
        if index >= (lower - HEADER_BYTES) / size_of::<u16>() {
            return Some(Self::End);
        }
        let node = usize::from(u16_at(page, HEADER_BYTES + size_of::<u16>() * index)?);
        let (low, high) = (u16_at(page, node)?, u16_at(page, node + 2)?);
        let (kind, key_size) = (u16_at(page, node + 4)?, usize::from(u16_at(page, node + 6)?));
        let size = u32::from(low) | u32::from(high) << 16;
        let start = node + NODE_BYTES;
        let key = page.get(start..start + key_size)?;
        let at = start + key_size;
        if flags & BRANCH != 0 {
            return Some(Self::Branch { page: u64::from(size) | u64::from(kind) << 32 });
        }
        if kind & NESTED != 0 {
            return Some(Self::Nested);
        }
        if kind & BIG_VALUE != 0 {
            return Some(Self::Big { key, first: u64_at(page, at)?, size });
        }
        page.get(at..at + size as usize)?;
        Some(Self::Value { key, at, size })
    }
}
