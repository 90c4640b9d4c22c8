//! Large files that never change under their address: whole, resumed by `Range`, or not at all.

use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Problem;
use crate::platform;

/// Bytes of one answer to a `Range` request; a longer range is answered with its beginning.
const RANGE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// A file.
#[derive(Debug)]
pub(super) struct Served {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its size.
    pub(super) bytes: u64,
    /// SHA-256 of it in hexadecimal digits: its `ETag`.
    pub(super) sha256: String,
    /// Its content type.
    pub(super) kind: &'static str,
}

impl Served {
    /// The answer to a request with these headers; `None` where the file is gone.
    pub(super) async fn answer(self, headers: &HeaderMap) -> Result<Option<Response>, Problem> {
        let etag = format!("\"{}\"", self.sha256);
        let text = |name| headers.get(name).and_then(|it| it.to_str().ok());
        let common = [
            (header::ETAG, etag.clone()),
            (header::CONTENT_TYPE, self.kind.to_owned()),
            (header::ACCEPT_RANGES, "bytes".to_owned()),
            (
                header::CACHE_CONTROL,
                "private, max-age=31536000, immutable".to_owned(),
            ),
        ];
        if text(header::IF_NONE_MATCH).is_some_and(|it| it.contains(&etag)) {
            return Ok(Some((StatusCode::NOT_MODIFIED, common).into_response()));
        }
        let resumable = text(header::IF_RANGE).is_none_or(|it| it == etag);
        let range = text(header::RANGE).filter(|_| resumable);
        let part = match range.and_then(|it| byte_range(it, self.bytes)) {
            Some(Ok(part)) => Some(part),
            Some(Err(())) => {
                let size = format!("bytes */{}", self.bytes);
                let problem = Problem::range(format!("the file has {} bytes", self.bytes));
                return Ok(Some(
                    ([(header::CONTENT_RANGE, size)], problem).into_response(),
                ));
            }
            None => None,
        };
        let (first, length) = part.unwrap_or((0, self.bytes));
        let path = self.path;
        let read = tokio::task::spawn_blocking(move || read_part(&path, first, length));
        let Ok(Ok(content)) = read.await else {
            return Ok(None);
        };
        if part.is_none() {
            let whole = (StatusCode::OK, common, Body::from(content));
            return Ok(Some(whole.into_response()));
        }
        let last = first + length - 1;
        let place = [(
            header::CONTENT_RANGE,
            format!("bytes {first}-{last}/{}", self.bytes),
        )];
        let status = StatusCode::PARTIAL_CONTENT;
        let answer = (status, common, place, Body::from(content));
        Ok(Some(answer.into_response()))
    }
}

fn read_part(path: &std::path::Path, first: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let mut file = platform::open(path).map_err(std::io::Error::other)?;
    file.seek(SeekFrom::Start(first))?;
    let mut content = Vec::new();
    file.take(length).read_to_end(&mut content)?;
    match u64::try_from(content.len()) {
        Ok(read) if read == length => Ok(content),
        _ => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}

/// First byte and length of one range; `None` where the header is not understood and the whole
/// is sent, `Err` where the range is beyond the end.
fn byte_range(header: &str, size: u64) -> Option<Result<(u64, u64), ()>> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = match (first, last) {
        ("", suffix) => (
            size.saturating_sub(suffix.parse().ok()?),
            size.checked_sub(1)?,
        ),
        (first, "") => (first.parse().ok()?, size.checked_sub(1)?),
        (first, last) => (
            first.parse().ok()?,
            last.parse::<u64>().ok()?.min(size.checked_sub(1)?),
        ),
    };
    if first >= size {
        return Some(Err(()));
    }
    let length = (last.checked_sub(first)? + 1).min(RANGE_BYTES_MAX);
    Some(Ok((first, length)))
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_ranges() {
        for (header, expected) in [
            ("bytes=0-", Some(Ok((0, 10)))),
            ("bytes=3-5", Some(Ok((3, 3)))),
            ("bytes=3-99", Some(Ok((3, 7)))),
            ("bytes=-4", Some(Ok((6, 4)))),
            ("bytes=10-", Some(Err(()))),
            ("bytes=5-3", None),
            ("bytes=0-1,3-4", None),
            ("lines=0-1", None),
        ] {
            assert_eq!(byte_range(header, 10), expected, "{header}");
        }
    }
}
