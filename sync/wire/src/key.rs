//! Keys, node identities and signed heads.
//!
//! A node is the hash of its public key, so a public key proves by itself which node it belongs
//! to. An author signs the head of its log at the end of each batch; documents before it are
//! covered through the chain of digests. A relay has no key of the author and so can't forge or
//! shorten-and-sign anything.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use shelf_stock::identity::{Head, NODE_ID_BYTES, NodeId};

/// Bytes of a public key.
pub const PUBLIC_KEY_BYTES: usize = 32;
/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = 64;

/// Points of public keys that a thread keeps.
const POINTS_KEPT_MAX: usize = 256;

thread_local! {
    static POINTS: RefCell<BTreeMap<[u8; PUBLIC_KEY_BYTES], VerifyingKey>> = RefCell::default();
}

/// Signatures that a thread remembers to have found good.
const VERIFIED_KEPT_MAX: usize = 1024;

thread_local! {
    /// SHA-256 over key, signature and message. The same batch comes again and again: from its author,
    /// from siblings, from the hub, and after a lost ack.
    static VERIFIED: RefCell<BTreeSet<[u8; 32]>> = RefCell::default();
}

const HEAD_CONTEXT: &[u8] = b"shelf/v1 head\0";
const HELLO_CONTEXT: &[u8] = b"shelf/v1 hello\0";

/// A node's secret key.
#[derive(Clone)]
pub struct NodeKey(SigningKey);

impl std::fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NodeKey({})", self.node_id())
    }
}

/// A node's public key: 32 bytes that are a point of the curve, or nothing verifies with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; PUBLIC_KEY_BYTES]);

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey of {}", self.node_id())
    }
}

/// A head with its author's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// Up to where the log goes, and its last document's digest.
    pub head: Head,
    /// Ed25519 over [`head_message`].
    pub signature: [u8; SIGNATURE_BYTES],
}

impl NodeKey {
    /// From 32 random bytes, which are the secret.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Who this is.
    pub fn node_id(&self) -> NodeId {
        self.public_key().node_id()
    }

    /// Signs where the log stands.
    pub fn sign_head(&self, head: &Head) -> SignedHead {
        SignedHead {
            head: *head,
            signature: self.0.sign(&head_message(head)).to_bytes(),
        }
    }

    /// Signs the bytes of a hello.
    pub(crate) fn sign_hello(&self, hello: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.0.sign(&hello_message(hello)).to_bytes()
    }
}

impl PublicKey {
    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; PUBLIC_KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.0
    }

    /// The node that it belongs to: the first 16 bytes of its SHA-256.
    pub fn node_id(&self) -> NodeId {
        let hash: [u8; 32] = Sha256::digest(self.0).into();
        let mut bytes = [0; NODE_ID_BYTES];
        for (into, from) in bytes.iter_mut().zip(hash) {
            *into = from;
        }
        NodeId::from_bytes(bytes)
    }

    fn verifies(&self, message: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        let hash = Sha256::new().chain_update(self.0).chain_update(signature);
        let name: [u8; 32] = hash.chain_update(message).finalize().into();
        if VERIFIED.with_borrow(|it| it.contains(&name)) {
            return true;
        }
        let signature = Signature::from_bytes(signature);
        let point = self.point();
        let good = point.is_some_and(|it| it.verify_strict(message, &signature).is_ok());
        if good {
            VERIFIED.with_borrow_mut(|verified| {
                if verified.len() >= VERIFIED_KEPT_MAX {
                    verified.clear();
                }
                verified.insert(name);
            });
        }
        good
    }

    /// The point of the curve. A thread keeps those of the keys that it meets all the time: finding
    /// the point of its bytes is a third of a verification.
    fn point(&self) -> Option<VerifyingKey> {
        POINTS.with_borrow_mut(|points| {
            if let Some(point) = points.get(&self.0) {
                return Some(*point);
            }
            let point = VerifyingKey::from_bytes(&self.0).ok()?;
            if points.len() >= POINTS_KEPT_MAX {
                points.clear();
            }
            points.insert(self.0, point);
            Some(point)
        })
    }

    pub(crate) fn verifies_hello(&self, hello: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        self.verifies(&hello_message(hello), signature)
    }
}

impl SignedHead {
    /// Whether the key's owner is the head's author and signed exactly this head.
    pub fn verify(&self, key: &PublicKey) -> bool {
        key.node_id() == self.head.place.node
            && key.verifies(&head_message(&self.head), &self.signature)
    }
}

/// What is signed for a head: a fixed word, node, incarnation and number (little endian), digest.
pub fn head_message(head: &Head) -> Vec<u8> {
    let mut message = HEAD_CONTEXT.to_vec();
    message.extend(head.place.node.as_bytes());
    message.extend(head.place.incarnation.0.to_le_bytes());
    message.extend(head.place.seq.0.to_le_bytes());
    message.extend(head.digest.as_bytes());
    message
}

fn hello_message(hello: &[u8]) -> Vec<u8> {
    [HELLO_CONTEXT, hello].concat()
}

#[cfg(test)]
mod tests {
    use shelf_stock::identity::{Digest, Incarnation, Place, Seq};

    use super::*;

    #[test]
    fn a_head_is_verified_only_by_its_authors_key_and_unchanged() {
        let (mine, other) = (NodeKey::from_seed([1; 32]), NodeKey::from_seed([2; 32]));
        let place = Place {
            node: mine.node_id(),
            incarnation: Incarnation(7),
            seq: Seq(3),
        };
        let digest = Digest::from_bytes([9; 32]);
        let signed = mine.sign_head(&Head { place, digest });
        assert!(signed.verify(&mine.public_key()));
        assert!(!signed.verify(&other.public_key()));
        assert!(!other.sign_head(&signed.head).verify(&other.public_key()));
        let mut longer = signed.clone();
        longer.head.place.seq = Seq(4);
        assert!(!longer.verify(&mine.public_key()));
    }
}
