//! A document together with its exact bytes.
//!
//! [`Sealed`] is bytes whose place is known, whether or not this version understands the rest: it
//! is what logs store and relays pass on. [`Authored`] is a sealed document that was understood.
//! Neither can be made to disagree with its bytes.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use shelf_stock::document::{DOCUMENT_BYTES_MAX, Document, DraftError};
use shelf_stock::identity::{Digest, Head, Place};

use crate::document::{self, DecodeError};

/// A document can't be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// Its bytes would be too many: split the fact into a group of documents.
    #[error("a document of {bytes} bytes is too long; at most {DOCUMENT_BYTES_MAX} fit")]
    TooLong {
        /// How long it would be.
        bytes: usize,
    },
    /// It breaks the rules of its kind.
    #[error("a document breaks the rules of its kind")]
    Rules(#[source] DraftError),
    /// Its number is 0, which no document has.
    #[error("a document needs a number above 0")]
    Number,
}

/// Bytes with the place that they say, understood or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    place: Place,
    prev: Digest,
    digest: Digest,
    bytes: Arc<[u8]>,
}

impl Sealed {
    /// Bytes that begin as every document must; `None` where they don't or are too many.
    pub fn read(bytes: impl Into<Arc<[u8]>>) -> Option<Self> {
        let bytes = bytes.into();
        if bytes.len() > DOCUMENT_BYTES_MAX {
            return None;
        }
        let (place, prev, _) = document::read_head(&bytes)?;
        Some(Self {
            place,
            prev,
            digest: digest_of(&bytes),
            bytes,
        })
    }

    /// Restores a document from what a batch leaves of it. `None` where that is too long.
    pub fn restore(place: Place, prev: Digest, body: &[u8]) -> Option<Self> {
        let mut bytes = document::head_bytes(&place, &prev);
        bytes.reserve_exact(body.len());
        bytes.extend_from_slice(body);
        Self::read(bytes).filter(|it| it.place == place && it.prev == prev)
    }

    /// Where it stands.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Digest of the author's document before it.
    pub fn prev(&self) -> Digest {
        self.prev
    }

    /// SHA-256 of its bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Its exact bytes.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// Where the log stands after it.
    pub fn head(&self) -> Head {
        Head {
            place: self.place,
            digest: self.digest,
        }
    }

    /// Its bytes without the four fields that a batch restores.
    pub fn body(&self) -> &[u8] {
        let head = document::read_head(&self.bytes).map_or(0, |(_, _, bytes)| bytes);
        self.bytes.get(head..).unwrap_or_default()
    }
}

/// A document that this version understands, with its exact bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authored {
    document: Document,
    sealed: Sealed,
}

impl Authored {
    /// Encodes a document that was just written here.
    pub fn write(document: Document) -> Result<Self, WriteError> {
        document.draft.validate().map_err(WriteError::Rules)?;
        let bytes = document::encode(&document);
        let length = bytes.len();
        match Sealed::read(bytes) {
            Some(sealed) => Ok(Self { document, sealed }),
            None if length > DOCUMENT_BYTES_MAX => Err(WriteError::TooLong { bytes: length }),
            None => Err(WriteError::Number),
        }
    }

    /// Reads a document that was written anywhere, keeping its bytes.
    pub fn read(bytes: impl Into<Arc<[u8]>>) -> Result<Self, DecodeError> {
        let bytes = bytes.into();
        let length = bytes.len();
        match Sealed::read(bytes) {
            Some(sealed) => Self::open(sealed),
            None if length > DOCUMENT_BYTES_MAX => Err(DecodeError::TooLong { bytes: length }),
            None => Err(DecodeError::Field { field: "node" }),
        }
    }

    /// Reads what is sealed.
    pub fn open(sealed: Sealed) -> Result<Self, DecodeError> {
        let document = document::decode(sealed.bytes())?;
        // A later field of the same number would win over the head that the log goes by.
        if document.place != sealed.place || document.prev != sealed.prev {
            return Err(DecodeError::Field { field: "node" });
        }
        Ok(Self { document, sealed })
    }

    /// What it says.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Its bytes with their place and digest.
    pub fn sealed(&self) -> &Sealed {
        &self.sealed
    }

    /// Where it stands.
    pub fn place(&self) -> Place {
        self.sealed.place
    }

    /// SHA-256 of its bytes.
    pub fn digest(&self) -> Digest {
        self.sealed.digest
    }

    /// Its exact bytes.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.sealed.bytes
    }

    /// The document without its bytes.
    pub fn into_document(self) -> Document {
        self.document
    }
}

/// SHA-256 of some bytes.
pub fn digest_of(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(bytes).into())
}
