use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;

use super::{file_of, serve};

#[test]
fn urls_stay_below_www() {
    let base = Path::new("/b");
    let file = |url: &str| file_of(url, base).map(|path| path.display().to_string());
    assert_eq!(
        file("/debian-13/./InRelease"),
        Some("/b/debian-13/www/./InRelease".to_owned())
    );
    assert_eq!(
        file("/debian-13/pool/a_1%2bb1%7e2.deb?x"),
        Some("/b/debian-13/www/pool/a_1+b1~2.deb".to_owned())
    );
    for url in [
        "/",
        "/debian-13",
        "/debian-13/",
        "/debian-13/../signing.key",
        "/debian-13/%2e%2e/signing.key",
        "/debian-13/pool/..%2f..%2fsigning.key",
        "/../x/y",
        "/debian-13//etc/passwd",
        "/debian-13/%zz",
        "/debian-13/a%00b",
        "debian-13/x",
        "/./x",
    ] {
        assert_eq!(file(url), None, "{url}");
    }
}

fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn files_are_served_over_one_connection_and_only_files() {
    let dir = tempfile::tempdir().unwrap();
    let www = dir.path().join("debian-13/www/pool");
    fs::create_dir_all(&www).unwrap();
    fs::write(www.join("a+b.deb"), "content a").unwrap();
    fs::write(dir.path().join("debian-13/signing.key"), "private").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = serve(listener, dir.path()).unwrap().address;

    // Two requests sent at once on one connection, as apt does.
    let get = "GET /debian-13/pool/a%2bb.deb HTTP/1.1\r\nHost: x\r\n";
    let answer = exchange(address, &format!("{get}\r\n{get}Connection: close\r\n\r\n"));
    assert_eq!(answer.matches("content a").count(), 2, "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2);
    assert_eq!(answer.matches("Content-Length: 9").count(), 2);

    let modified = answer
        .lines()
        .find_map(|l| l.strip_prefix("Last-Modified: "))
        .unwrap();
    let again = format!("{get}If-Modified-Since: {modified}\r\nConnection: close\r\n\r\n");
    assert!(exchange(address, &again).starts_with("HTTP/1.1 304"));

    for (request, code) in [
        ("GET /debian-13/../signing.key", "404"),
        ("GET /debian-13/%2e%2e/signing.key", "404"),
        ("GET /debian-13/pool", "404"),
        ("GET /debian-13/pool/none.deb", "404"),
        ("DELETE /debian-13/pool/a%2bb.deb", "405"),
    ] {
        let request = format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = exchange(address, &request);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {code}")),
            "{request}: {answer}"
        );
        assert!(!answer.contains("private"));
    }
}
