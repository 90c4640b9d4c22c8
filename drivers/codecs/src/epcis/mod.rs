//! EPCIS 2.0: what happened to EPCs, in the words that trading partners read.
//!
//! An event's id is the hash of the Core Business Vocabulary 2.0 over its content, so the same happening told
//! twice has one id: it is the key by which a receiver drops the second. Identities are written as GS1 Digital
//! Links, which need no company prefix; an EPC that is not GS1's as its raw URI. Only object events are
//! written here, for a shop says nothing else; nothing is read back. It must never put a time into an event
//! that the shop didn't measure.

mod time;
mod words;

#[cfg(test)]
mod tests;

pub use words::{Action, BizStep, Disposition, Happening};

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::epc::{EpcBytes, Identity, Tag, raw_uri};

/// Most EPCs in one event; a larger fact is several events.
pub const EPCS_MAX: usize = 10_000;

/// Where the vocabulary's words live.
const VOCABULARY: &str = "https://ref.gs1.org/cbv/";
const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";

/// Something that happened to things at one time and place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectEvent {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The place's distance from UTC then, in minutes.
    pub offset_minutes: i16,
    /// What, as URIs: sorted and once each.
    epcs: Vec<String>,
    /// Whether the things are new, seen or gone.
    pub action: Action,
    /// In which step of business.
    pub biz_step: BizStep,
    /// In which condition they are then.
    pub disposition: Option<Disposition>,
    /// Where it was seen: a place with its antenna as extension.
    pub read_point: Option<Identity>,
    /// Where the things are then.
    pub biz_location: Option<Identity>,
}

impl ObjectEvent {
    /// An event of the shop's words. `None` without an EPC, or with more than [`EPCS_MAX`].
    #[must_use]
    pub fn new<'a>(
        happening: Happening,
        at_ms: u64,
        offset_minutes: i16,
        epcs: impl IntoIterator<Item = &'a EpcBytes>,
    ) -> Option<ObjectEvent> {
        let mut uris: Vec<String> = epcs.into_iter().take(EPCS_MAX + 1).map(uri).collect();
        uris.sort_unstable();
        uris.dedup();
        if uris.is_empty() || uris.len() > EPCS_MAX {
            return None;
        }
        let (action, biz_step, disposition) = happening.words();
        Some(ObjectEvent {
            at_ms,
            offset_minutes,
            epcs: uris,
            action,
            biz_step,
            disposition,
            read_point: None,
            biz_location: None,
        })
    }

    /// What it happened to, as URIs.
    #[must_use]
    pub fn epcs(&self) -> &[String] {
        &self.epcs
    }

    /// The id: `ni:///sha-256;…?ver=CBV2.0`.
    #[must_use]
    pub fn id(&self) -> String {
        let mut id = "ni:///sha-256;".to_owned();
        for byte in Sha256::digest(self.canonical().as_bytes()) {
            // Writing to a string can't fail.
            let _written = write!(id, "{byte:02x}");
        }
        id.push_str("?ver=CBV2.0");
        id
    }

    /// The text that is hashed: fields in the vocabulary's order, lists sorted, no separators.
    fn canonical(&self) -> String {
        let mut out = format!(
            "eventType=ObjectEventeventTime={}eventTimeZoneOffset={}epcList",
            time::utc(self.at_ms),
            time::offset(self.offset_minutes)
        );
        for epc in &self.epcs {
            let _written = write!(out, "epc={epc}");
        }
        let _written = write!(
            out,
            "action={}bizStep={VOCABULARY}BizStep-{}",
            self.action.word(),
            self.biz_step.word()
        );
        if let Some(disposition) = self.disposition {
            let _written = write!(out, "disposition={VOCABULARY}Disp-{}", disposition.word());
        }
        for (name, place) in self.places() {
            let _written = write!(out, "{name}id={}", place.to_digital_link());
        }
        out
    }

    fn places(&self) -> impl Iterator<Item = (&'static str, &Identity)> {
        let places = [
            ("readPoint", &self.read_point),
            ("bizLocation", &self.biz_location),
        ];
        places
            .into_iter()
            .filter_map(|(name, place)| Some((name, place.as_ref()?)))
    }

    /// The event as JSON, without its document.
    #[must_use]
    pub fn to_json(&self) -> String {
        let list: Vec<String> = self.epcs.iter().map(|epc| format!("\"{epc}\"")).collect();
        let mut out = format!(
            r#"{{"type":"ObjectEvent","eventID":"{}","eventTime":"{}","eventTimeZoneOffset":"{}","epcList":[{}],"action":"{}","bizStep":"{}""#,
            self.id(),
            time::utc(self.at_ms),
            time::offset(self.offset_minutes),
            list.join(","),
            self.action.word(),
            self.biz_step.word()
        );
        if let Some(disposition) = self.disposition {
            let _written = write!(out, r#","disposition":"{}""#, disposition.word());
        }
        for (name, place) in self.places() {
            let _written = write!(out, r#","{name}":{{"id":"{}"}}"#, place.to_digital_link());
        }
        out.push('}');
        out
    }
}

/// A whole document with these events, created at this time.
#[must_use]
pub fn document(events: &[ObjectEvent], created_ms: u64) -> String {
    let list: Vec<String> = events.iter().map(ObjectEvent::to_json).collect();
    format!(
        r#"{{"@context":["{CONTEXT}"],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"{}","epcisBody":{{"eventList":[{}]}}}}"#,
        time::utc(created_ms),
        list.join(",")
    )
}

/// The URI by which an EPC is told. Digital Links and raw URIs hold no character that JSON escapes.
#[must_use]
pub fn uri(epc: &EpcBytes) -> String {
    match Tag::decode(epc.as_slice()) {
        Ok(tag) => tag.identity.to_digital_link(),
        Err(_) => raw_uri(epc),
    }
}
