//! Serving repositories to nodes over HTTP: GET and HEAD of files, nothing else.
//!
//! `/debian-13/pool/x.deb` is the file `debian-13/www/pool/x.deb` of the directory served; what
//! is beside `www` cannot be reached.

use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

use tiny_http::{Header, Method, Request, Response, Server, StatusCode};

use crate::RepoError;

/// Requests answered at the same time.
const WORKERS: usize = 16;

/// A running server; it serves until the process ends.
#[derive(Debug)]
pub struct Serving {
    /// Where it listens, with the port that was given for port 0.
    pub address: SocketAddr,
    workers: Vec<thread::JoinHandle<()>>,
}

/// Serves the repositories below `base` (see [`crate::Layout::all`]) on `listener`, in threads of
/// this process.
///
/// # Errors
/// The listener cannot be used.
pub fn serve(listener: TcpListener, base: &Path) -> Result<Serving, RepoError> {
    let refused = |reason: String| RepoError::Listen {
        address: "the given listener".to_owned(),
        reason,
    };
    let address = listener.local_addr().map_err(|e| refused(e.to_string()))?;
    let server = Server::from_listener(listener, None).map_err(|e| refused(e.to_string()))?;
    let server = Arc::new(server);
    let workers = (0..WORKERS)
        .map(|_| {
            let (server, base) = (Arc::clone(&server), base.to_owned());
            thread::spawn(move || {
                while let Ok(request) = server.recv() {
                    answer(request, &base);
                }
            })
        })
        .collect();
    Ok(Serving { address, workers })
}

/// Serves the repositories below `base` at `address` and does not return while it can serve.
///
/// # Errors
/// The address cannot be listened on.
pub fn serve_forever(address: SocketAddr, base: &Path) -> Result<(), RepoError> {
    let listener = TcpListener::bind(address).map_err(|error| RepoError::Listen {
        address: address.to_string(),
        reason: error.to_string(),
    })?;
    let serving = serve(listener, base)?;
    for worker in serving.workers {
        // A worker ends only when the listener is gone.
        let _ = worker.join();
    }
    Ok(())
}

fn answer(request: Request, base: &Path) {
    let head = *request.method() == Method::Head;
    if !head && *request.method() != Method::Get {
        return status(request, 405);
    }
    let Some(path) = file_of(request.url(), base) else {
        return status(request, 404);
    };
    match open(&path) {
        Ok((file, modified)) if is_fresh(&request, modified) => {
            drop(file);
            status(request, 304);
        }
        Ok((file, modified)) => send(request, file, modified),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => status(request, 403),
        Err(_) => status(request, 404),
    }
}

fn open(path: &Path) -> io::Result<(File, SystemTime)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    match metadata.is_file() {
        true => Ok((file, metadata.modified()?)),
        false => Err(io::ErrorKind::NotFound.into()),
    }
}

fn send(request: Request, file: File, modified: SystemTime) {
    let mut response = Response::from_file(file);
    let date = httpdate::fmt_http_date(modified);
    if let Ok(header) = Header::from_bytes("Last-Modified", date) {
        response.add_header(header);
    }
    // A client that went away needs no answer.
    let _ = request.respond(response);
}

fn status(request: Request, code: u16) {
    let _ = request.respond(Response::empty(StatusCode(code)));
}

/// True when the client has the file as it was last changed.
fn is_fresh(request: &Request, modified: SystemTime) -> bool {
    let headers = request.headers().iter();
    let mut since = headers.filter(|header| header.field.equiv("If-Modified-Since"));
    since.next().is_some_and(|header| {
        httpdate::parse_http_date(header.value.as_str())
            .is_ok_and(|since| httpdate::fmt_http_date(modified) == httpdate::fmt_http_date(since))
    })
}

/// The file that an URL names, if it names one below a served directory.
fn file_of(url: &str, base: &Path) -> Option<PathBuf> {
    let path = url.split(['?', '#']).next()?.strip_prefix('/')?;
    let path = decode(path)?;
    let (os, file) = path.split_once('/')?;
    let name = Path::new(os).components().next();
    let mut parts = Path::new(file).components();
    // apt asks for `./InRelease`.
    let below = parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let safe = matches!(name, Some(Component::Normal(_))) && !file.is_empty() && below;
    safe.then(|| base.join(os).join("www").join(file))
}

/// Undoes the percent encoding of URLs.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.contains('\0')).then_some(text)
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
