//! A small HTTP server on this machine that serves given files as a good server would, and misbehaves on demand.

use std::{
    collections::{BTreeMap, HashMap, VecDeque, hash_map::DefaultHasher},
    fmt::Write as _,
    hash::{Hash as _, Hasher as _},
    io::{self, BufReader, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// How often a [`Trouble`] happens that does not pass.
pub const ALWAYS: usize = usize::MAX;

/// The most that a request may have before its body.
const MAX_HEAD: usize = 64 << 10;

/// A way to misbehave.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// Answers with this status and a page of HTML that says so.
    Status(u16),
    /// The same, with the header `Retry-After`.
    Later(u16, String),
    /// Redirects to this path or address.
    RedirectTo(String),
    /// Answers with this status and body.
    Answer(u16, String),
    /// Answers 200 with a page of HTML, as a login page does.
    Html,
    /// Answers with bytes that are no HTTP.
    Garbage,
    /// Closes the connection without an answer.
    Close,
    /// Sends so many bytes of the body, and closes the connection.
    Cut(usize),
    /// Sends so many bytes of the body, and then nothing, until the client or the server goes.
    Stall(usize),
    /// Sends so many bytes at a time, with a pause after each.
    Drip(usize, Duration),
    /// Announces so many bytes more or fewer than it sends.
    WrongLength(i64),
    /// Answers a request for a part with another part: one that begins so many bytes later.
    WrongPart(u64),
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, say.
    pub method: String,
    /// The path with the query.
    pub path: String,
    /// The headers, with names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
    /// The status that it was answered with; 0 if with none.
    pub status: u16,
}

/// A server that lives as long as this value.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    files: Mutex<HashMap<String, File>>,
    requests: Mutex<Vec<Request>>,
    stopped: AtomicBool,
}

#[derive(Debug, Default)]
struct File {
    body: Arc<Vec<u8>>,
    has_no_etag: bool,
    has_no_ranges: bool,
    troubles: VecDeque<(Trouble, usize)>,
}

impl Default for HttpServer {
    fn default() -> Self {
        Self::start()
    }
}

impl HttpServer {
    /// A server without files at a free port of 127.0.0.1.
    ///
    /// # Panics
    /// If there is no free port: without one there is no test.
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("the port's number");
        let shared = Arc::new(Shared::default());
        let served = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &served));
        Self { address, shared }
    }

    /// The address of a path, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Serves a file, in place of the one before it. Equal bytes have equal tags.
    pub fn put(&self, path: &str, body: impl Into<Vec<u8>>) {
        self.file(path, |file| file.body = Arc::new(body.into()));
    }

    /// Gives a file no `ETag`.
    pub fn without_etag(&self, path: &str) {
        self.file(path, |file| file.has_no_etag = true);
    }

    /// Serves a file as a whole, whatever part is asked for.
    pub fn without_ranges(&self, path: &str) {
        self.file(path, |file| file.has_no_ranges = true);
    }

    /// Misbehaves on the next `times` requests for a path, after the troubles that it has already.
    pub fn trouble(&self, path: &str, trouble: Trouble, times: usize) {
        self.file(path, |file| file.troubles.push_back((trouble, times)));
    }

    /// Behaves well from now on.
    pub fn behave(&self) {
        lock(&self.shared.files).values_mut().for_each(|file| file.troubles.clear());
    }

    /// The requests since this was last asked.
    pub fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut lock(&self.shared.requests))
    }

    fn file(&self, path: &str, change: impl FnOnce(&mut File)) {
        change(lock(&self.shared.files).entry(path.to_owned()).or_default());
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(self.address);
    }
}

/// What a test that failed left behind is as good as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming().flatten() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let shared = Arc::clone(shared);
        // A client that goes away is no failure of the server's.
        thread::spawn(move || shared.serve(stream).ok());
    }
}

impl Shared {
    /// Answers one request, and closes the connection.
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let Some(mut request) = read_request(&stream)? else { return Ok(()) };
        let (answer, manner) = self.answer(&request);
        request.status = answer.status;
        lock(&self.requests).push(request);
        match manner {
            Manner::Garbage => stream.write_all(b"\x16\x03\x01 this is not HTTP\r\n\r\n")?,
            Manner::Close => {}
            Manner::Cut(after) => {
                stream.write_all(&answer.head(0))?;
                stream.write_all(&answer.body[..after.min(answer.body.len())])?;
            }
            Manner::Stall(after) => {
                stream.write_all(&answer.head(0))?;
                stream.write_all(&answer.body[..after.min(answer.body.len())])?;
                self.wait(Duration::from_secs(600));
            }
            Manner::Drip(bytes, pause) => {
                stream.write_all(&answer.head(0))?;
                for drop in answer.body.chunks(bytes.max(1)) {
                    stream.write_all(drop)?;
                    self.wait(pause);
                }
            }
            Manner::Well { more } => {
                stream.write_all(&answer.head(more))?;
                stream.write_all(&answer.body)?;
            }
        }
        stream.shutdown(Shutdown::Write)
    }

    /// Waits, but not for a server that is gone.
    fn wait(&self, time: Duration) {
        const STEP: Duration = Duration::from_millis(10);
        let mut left = time;
        while !left.is_zero() && !self.stopped.load(Ordering::SeqCst) {
            thread::sleep(left.min(STEP));
            left = left.saturating_sub(STEP);
        }
    }

    fn answer(&self, request: &Request) -> (Answer, Manner) {
        let mut files = lock(&self.files);
        let path = request.path.split('?').next().unwrap_or_default();
        let Some(file) = files.get_mut(path) else { return (Answer::page(404), Manner::Well { more: 0 }) };
        let trouble = file.next_trouble();
        let later = if let Some(Trouble::WrongPart(later)) = trouble { later } else { 0 };
        let good = file.good_answer(request, later);
        let well = Manner::Well { more: 0 };
        match trouble {
            None | Some(Trouble::WrongPart(_)) => (good, well),
            Some(Trouble::Status(status)) => (Answer::page(status), well),
            Some(Trouble::Later(status, when)) => (Answer::page(status).with("Retry-After", &when), well),
            Some(Trouble::RedirectTo(place)) => (Answer::page(302).with("Location", &place), well),
            Some(Trouble::Answer(status, body)) => (Answer::new(status, body.into()), well),
            Some(Trouble::Html) => (Answer::page(200), well),
            Some(Trouble::Garbage) => (Answer::default(), Manner::Garbage),
            Some(Trouble::Close) => (Answer::default(), Manner::Close),
            Some(Trouble::Cut(after)) => (good, Manner::Cut(after)),
            Some(Trouble::Stall(after)) => (good, Manner::Stall(after)),
            Some(Trouble::Drip(bytes, pause)) => (good, Manner::Drip(bytes, pause)),
            Some(Trouble::WrongLength(more)) => (good, Manner::Well { more }),
        }
    }
}

impl File {
    fn next_trouble(&mut self) -> Option<Trouble> {
        let (trouble, times) = self.troubles.front_mut()?;
        let trouble = trouble.clone();
        *times = times.saturating_sub(usize::from(*times != ALWAYS));
        if *times == 0 {
            self.troubles.pop_front();
        }
        Some(trouble)
    }

    fn etag(&self) -> Option<String> {
        let mut hasher = DefaultHasher::new();
        self.body.hash(&mut hasher);
        (!self.has_no_etag).then(|| format!("\"{:016x}\"", hasher.finish()))
    }

    /// The answer of a server that behaves: 200, 206, 304 or 416. A part begins `later` bytes after what was asked for.
    fn good_answer(&self, request: &Request, later: u64) -> Answer {
        let etag = self.etag();
        let is_etag = |name: &str| request.headers.get(name) == etag.as_ref();
        if etag.is_some() && is_etag("if-none-match") {
            return Answer::new(304, Vec::new());
        }
        let total = self.body.len();
        let is_same = !request.headers.contains_key("if-range") || is_etag("if-range");
        let range = request.headers.get("range").filter(|_| is_same && !self.has_no_ranges);
        let first = range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
        let answer = match first.map(|first| first.saturating_add(later as usize)) {
            None => Answer::new(200, self.body.to_vec()),
            Some(first) if first >= total => {
                Answer::new(416, Vec::new()).with("Content-Range", &format!("bytes */{total}"))
            }
            Some(first) => Answer::new(206, self.body[first..].to_vec())
                .with("Content-Range", &format!("bytes {first}-{}/{total}", total - 1)),
        };
        etag.iter().fold(answer, |answer, etag| answer.with("ETag", etag))
    }
}

#[derive(Debug, Default)]
struct Answer {
    status: u16,
    headers: String,
    body: Vec<u8>,
}

/// How an answer is sent.
#[derive(Debug)]
enum Manner {
    Well { more: i64 },
    Garbage,
    Close,
    Cut(usize),
    Stall(usize),
    Drip(usize, Duration),
}

impl Answer {
    fn new(status: u16, body: Vec<u8>) -> Self {
        Self { status, headers: String::new(), body }
    }

    fn page(status: u16) -> Self {
        let page = format!("<!DOCTYPE html>\n<html><body><h1>{status}</h1></body></html>\n");
        Self::new(status, page.into()).with("Content-Type", "text/html")
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        let _ = write!(self.headers, "{name}: {value}\r\n");
        self
    }

    /// The bytes before the body, which announce so many bytes more than there are.
    fn head(&self, more: i64) -> Vec<u8> {
        let length = self.body.len().saturating_add_signed(more as isize);
        let (status, headers) = (self.status, &self.headers);
        format!("HTTP/1.1 {status} -\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n").into_bytes()
    }
}

/// A request; none from a client that says nothing, or too much.
fn read_request(stream: &TcpStream) -> io::Result<Option<Request>> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(io::Read::take(stream, MAX_HEAD as u64));
    let Some(first) = read_line(&mut reader)? else { return Ok(None) };
    let mut words = first.split(' ').map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(None) };
    let mut headers = BTreeMap::new();
    while let Some(line) = read_line(&mut reader)? {
        match line.split_once(':') {
            Some((name, value)) => drop(headers.insert(name.to_ascii_lowercase(), value.trim().to_owned())),
            None => {
                let body = read_body(reader, &headers)?;
                return Ok(Some(Request { method, path, headers, body, status: 0 }));
            }
        }
    }
    Ok(None)
}

/// A line without its end; none at the end of all.
fn read_line(reader: &mut impl io::BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = reader.read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn read_body(mut reader: BufReader<io::Take<&TcpStream>>, headers: &BTreeMap<String, String>) -> io::Result<Vec<u8>> {
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    reader.get_mut().set_limit(length);
    let mut body = vec![0; usize::try_from(length).unwrap_or(0)];
    io::Read::read_exact(&mut reader, &mut body)?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn ask(server: &HttpServer, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\n{headers}\r\n").as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).replace('\r', "")
    }

    #[test]
    fn it_serves_wholes_and_parts_and_knows_versions() {
        let server = HttpServer::start();
        server.put("/x", "0123456789");
        let whole = ask(&server, "/x", "");
        assert!(whole.starts_with("HTTP/1.1 200 -\nContent-Length: 10\n") && whole.ends_with("\n\n0123456789"));
        let etag = whole.lines().find_map(|line| line.strip_prefix("ETag: ")).unwrap();
        assert!(ask(&server, "/x", &format!("If-None-Match: {etag}\r\n")).starts_with("HTTP/1.1 304"));
        let part = ask(&server, "/x", &format!("Range: bytes=7-\r\nIf-Range: {etag}\r\n"));
        assert!(part.starts_with("HTTP/1.1 206") && part.ends_with("\n\n789"), "{part}");
        assert!(part.contains("\nContent-Range: bytes 7-9/10\n"), "{part}");
        assert!(ask(&server, "/x", "Range: bytes=7-\r\nIf-Range: \"other\"\r\n").starts_with("HTTP/1.1 200"));
        assert!(ask(&server, "/x", "Range: bytes=10-\r\n").contains("bytes */10"));
        assert!(ask(&server, "/y", "").starts_with("HTTP/1.1 404"));
        assert_eq!(server.requests().iter().map(|it| it.status).collect::<Vec<_>>(), [200, 304, 206, 200, 416, 404]);
    }

    #[test]
    fn it_misbehaves_as_often_as_it_is_told() {
        let server = HttpServer::start();
        server.put("/x", "0123456789");
        server.trouble("/x", Trouble::Cut(3), 2);
        server.trouble("/x", Trouble::WrongLength(5), 1);
        for _ in 0..2 {
            let cut = ask(&server, "/x", "");
            assert!(cut.contains("Content-Length: 10") && cut.ends_with("\n\n012"), "{cut}");
        }
        assert!(ask(&server, "/x", "").contains("Content-Length: 15"));
        assert!(ask(&server, "/x", "").ends_with("\n\n0123456789"));
        server.trouble("/x", Trouble::Later(429, "7".into()), ALWAYS);
        for _ in 0..3 {
            let answer = ask(&server, "/x", "");
            assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("\nRetry-After: 7\n"), "{answer}");
        }
        server.behave();
        assert!(ask(&server, "/x", "").starts_with("HTTP/1.1 200"));
    }
}
