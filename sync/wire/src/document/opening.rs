//! What only openings have: closed logs, claims and documents inside of a document.
//!
//! Claims come by the thousand and are written as differences to the one before.

use prost::Message as _;
use shelf_stock::document::{Claim, ClosedLog, Document};
use shelf_stock::identity::{Incarnation, Seq};

use super::kind::{read_source, write_source};
use super::{DecodeError, read_digest};
use crate::generated as proto;

/// Writes closed logs, claims and carried documents.
pub(super) fn write(
    (closed, claims, carried): (&[ClosedLog], &[Claim], &[Document]),
    it: &mut proto::Particulars,
) {
    it.closed = closed.iter().map(write_closed).collect();
    it.claims = write_claims(claims);
    it.carried = carried.iter().map(super::encode).collect();
}

fn write_closed(closed: &ClosedLog) -> proto::ClosedLog {
    proto::ClosedLog {
        incarnation: closed.incarnation.0,
        after: closed.after.0,
        upto: closed.upto.0,
        digest: closed.digest.as_bytes().to_vec(),
    }
}

pub(super) fn read_closed(read: &[proto::ClosedLog]) -> Result<Vec<ClosedLog>, DecodeError> {
    let closed = |it: &proto::ClosedLog| {
        let digest = read_digest(&it.digest).filter(|_| it.after < it.upto);
        Ok(ClosedLog {
            incarnation: Incarnation(it.incarnation),
            after: Seq(it.after),
            upto: Seq(it.upto),
            digest: digest.ok_or(DecodeError::Field { field: "closed" })?,
        })
    };
    read.iter().map(closed).collect()
}

fn write_claims(claims: &[Claim]) -> Vec<proto::Claim> {
    let mut before: Option<&Claim> = None;
    let mut written = Vec::with_capacity(claims.len());
    for claim in claims {
        let source = before.map(|it| it.source.source.as_str());
        let same_log = before.is_some_and(|it| it.incarnation == claim.incarnation);
        let seq = before.map_or(0, |it| it.seq.0);
        written.push(proto::Claim {
            source: Some(write_source(&claim.source, source)),
            incarnation: (!same_log).then_some(claim.incarnation.0),
            seq_delta: claim.seq.0.wrapping_sub(seq).cast_signed(),
        });
        before = Some(claim);
    }
    written
}

pub(super) fn read_claims(read: Vec<proto::Claim>) -> Result<Vec<Claim>, DecodeError> {
    const FIELD: DecodeError = DecodeError::Field { field: "claims" };
    let mut claims: Vec<Claim> = Vec::with_capacity(read.len());
    for it in read {
        let before = claims.last();
        let mut source = it.source.ok_or(FIELD)?;
        if let (true, Some(before)) = (source.source.is_empty(), before) {
            before.source.source.as_str().clone_into(&mut source.source);
        }
        let incarnation = it.incarnation.or(before.map(|it| it.incarnation.0));
        let seq = before.map_or(0, |it| it.seq.0);
        let claim = Claim {
            source: read_source(source, None)?,
            incarnation: Incarnation(incarnation.ok_or(FIELD)?),
            seq: Seq(seq.wrapping_add(it.seq_delta.cast_unsigned())),
        };
        claims.push(claim);
    }
    Ok(claims)
}

pub(super) fn read_carried(read: &[Vec<u8>]) -> Result<Vec<Document>, DecodeError> {
    let document = |bytes: &Vec<u8>| {
        // Looked at before it is read: openings inside of openings would go as deep as they like.
        let shallow = proto::Document::decode(bytes.as_slice());
        let shallow = shallow.map_err(|it| DecodeError::malformed(&it))?;
        if shallow.kind == i32::from(proto::Kind::Opening) {
            return Err(DecodeError::Field { field: "carried" });
        }
        super::decode(bytes)
    };
    read.iter().map(document).collect()
}
