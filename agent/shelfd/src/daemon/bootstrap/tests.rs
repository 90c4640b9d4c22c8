//! Parts from a server that serves what the test wants: resumed, whole, or tampered with.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;

use super::*;

/// What is served, and the first byte of each range that was asked for.
#[derive(Clone)]
struct Served {
    content: Vec<u8>,
    /// A server that is older than ranges sends all.
    whole: bool,
    asked: Arc<Mutex<Vec<String>>>,
}

async fn part(State(served): State<Served>, headers: HeaderMap) -> impl IntoResponse {
    let range = headers["range"].to_str().unwrap().to_owned();
    let first = range.trim_start_matches("bytes=").trim_end_matches('-');
    let first: usize = first.parse().unwrap();
    served.asked.lock().unwrap().push(range);
    match served.whole {
        true => (StatusCode::OK, served.content),
        false => {
            // At most 100 bytes an answer, as a hub that limits them.
            let end = served.content.len().min(first + 100);
            let piece = served.content[first..end].to_vec();
            (StatusCode::PARTIAL_CONTENT, piece)
        }
    }
}

async fn serve(content: &[u8], whole: bool) -> (String, Served) {
    let served = Served {
        content: content.to_vec(),
        whole,
        asked: Arc::default(),
    };
    let router = Router::new().route("/list/1", get(part));
    let router = router.with_state(served.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let list = format!("http://{}/list", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (list, served)
}

fn listed(content: &[u8]) -> Part {
    Part {
        number: 1,
        node: "00112233445566778899aabbccddeeff".into(),
        incarnation: "0000000000000001".into(),
        first: 1,
        last: 10,
        bytes: content.len() as u64,
        sha256: hash(content),
    }
}

fn hash(content: &[u8]) -> String {
    let hash = Sha256::digest(content);
    hash.iter().map(|it| format!("{it:02x}")).collect()
}

fn content() -> Vec<u8> {
    (0..=249).collect()
}

#[tokio::test]
async fn a_download_goes_on_where_a_killed_run_ended() {
    let folder = tempfile::tempdir().unwrap();
    let (content, wanted) = (content(), listed(&content()));
    let (list, served) = serve(&content, false).await;
    fs::write(wanted.file(folder.path()), &content[..70]).unwrap();
    let got = fetch(&list, &wanted, folder.path()).await.unwrap();
    assert_eq!(got, content);
    let asked = served.asked.lock().unwrap().clone();
    assert_eq!(asked, ["bytes=70-", "bytes=170-"]);
}

#[tokio::test]
async fn a_server_without_ranges_sends_all_again() {
    let folder = tempfile::tempdir().unwrap();
    let (content, wanted) = (content(), listed(&content()));
    let (list, _served) = serve(&content, true).await;
    fs::write(wanted.file(folder.path()), [9; 30]).unwrap();
    let got = fetch(&list, &wanted, folder.path()).await.unwrap();
    assert_eq!(got, content);
}

#[tokio::test]
async fn a_tampered_part_is_refused_and_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = listed(&content());
    let mut tampered = content();
    tampered[200] ^= 1;
    for whole in [true, false] {
        let (list, _served) = serve(&tampered, whole).await;
        let refused = fetch(&list, &wanted, folder.path()).await;
        assert!(matches!(refused, Err(FetchError::Hash { number: 1 })));
        assert!(!wanted.file(folder.path()).exists(), "nothing stays");
    }
    tampered.extend([0; 200]);
    let (list, _served) = serve(&tampered, true).await;
    let refused = fetch(&list, &wanted, folder.path()).await;
    assert!(matches!(refused, Err(FetchError::Hash { number: 1 })));
}

#[test]
fn frames_end_where_a_length_makes_no_sense() {
    let mut file = vec![0, 0, 0, 2, 7, 8, 0, 0, 0, 1, 9];
    let read = |it: &[u8]| frames(it).map(<[u8]>::to_vec).collect::<Vec<_>>();
    assert_eq!(read(&file), [vec![7, 8], vec![9]]);
    file.extend([0xff, 0xff, 0xff, 0xff, 1]);
    assert_eq!(read(&file).len(), 2);
    assert_eq!(read(&[0, 0, 0]), Vec::<Vec<u8>>::new());
}

#[test]
fn a_hash_that_is_a_path_is_not_asked_for() {
    let sound = listed(&content());
    assert!(sound.is_sound());
    for sha256 in ["../../etc/passwd".to_owned(), "/".repeat(64)] {
        let part = Part {
            sha256,
            ..sound.clone()
        };
        assert!(!part.is_sound());
    }
}
