//! A plain MQTT client that takes down everything that a broker passes on, for judges of what leaves a PC.
//!
//! Written against MQTT 3.1.1 by itself, so that it hears what any client hears: CONNECT, a subscription to
//! every topic with QoS 0, and PUBLISH. It must never answer or publish anything.
#![allow(
    clippy::disallowed_methods,
    reason = "a listener owns its socket and the thread that waits on it"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, bail};

/// CONNECT: protocol MQTT level 4, clean session, no keep-alive, the client id `ear`.
const CONNECT: &[u8] = b"\x10\x0F\x00\x04MQTT\x04\x02\x00\x00\x00\x03ear";
/// SUBSCRIBE number 1 to `#` with QoS 0.
const SUBSCRIBE: &[u8] = b"\x82\x06\x00\x01\x00\x01#\x00";
const CONNACK: u8 = 0x20;
const SUBACK: u8 = 0x90;
const PUBLISH: u8 = 0x30;
/// More is no packet of ours.
const PACKET_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Where it was published.
    pub topic: String,
    /// What was published.
    pub payload: Vec<u8>,
}

/// Listens until the broker ends the connection.
#[derive(Debug)]
pub struct Listener {
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Listener {
    /// Subscribes to everything that the broker on this port has.
    pub fn at(port: u16) -> Result<Self> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        for (say, answer) in [(CONNECT, CONNACK), (SUBSCRIBE, SUBACK)] {
            stream.write_all(say)?;
            let (kind, _) = packet(&mut stream)?;
            if kind & 0xF0 != answer {
                bail!("the broker answers {kind:02X} instead of {answer:02X}");
            }
        }
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let into = heard.clone();
        std::thread::spawn(move || {
            while let Ok((kind, body)) = packet(&mut stream) {
                if kind & 0xF0 == PUBLISH
                    && let Some(message) = published(kind, &body)
                {
                    into.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(message);
                }
            }
        });
        Ok(Self { heard })
    }

    /// Everything so far, in the order of arrival.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Publishes one message with QoS 0, as a control.
pub fn publish(port: u16, topic: &str, payload: &[u8]) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(
        &CONNECT
            .iter()
            .copied()
            .take(CONNECT.len() - 1)
            .chain(*b"!")
            .collect::<Vec<u8>>(),
    )?;
    packet(&mut stream)?;
    let topic_bytes = u16::try_from(topic.len())?.to_be_bytes();
    let body = [&topic_bytes, topic.as_bytes(), payload].concat();
    let Ok(length @ 0..=127) = u8::try_from(body.len()) else {
        bail!("a control is short");
    };
    stream.write_all(&[&[PUBLISH, length], &body[..]].concat())?;
    Ok(stream.write_all(&[0xE0, 0])?)
}

/// The next packet: its first byte and what follows its length.
fn packet(stream: &mut TcpStream) -> Result<(u8, Vec<u8>)> {
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    let kind = byte[0];
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        stream.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 0x7F) << shift;
        shift += 7;
        if byte[0] & 0x80 == 0 {
            break;
        }
        if shift > 21 {
            bail!("a length of more than four bytes");
        }
    }
    if length > PACKET_BYTES_MAX {
        bail!("{length} bytes");
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((kind, body))
}

fn published(kind: u8, body: &[u8]) -> Option<Heard> {
    let (length, rest) = body.split_first_chunk::<2>()?;
    let (topic, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let number = if kind & 0x06 == 0 { 0 } else { 2 };
    Some(Heard {
        topic: String::from_utf8_lossy(topic).into_owned(),
        payload: rest.get(number..)?.to_vec(),
    })
}
