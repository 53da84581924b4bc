//! A small SMTP server on this machine that takes mail, and misbehaves on demand.

use std::{
    collections::VecDeque,
    io::{self, BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// A step of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The connection, which the server greets.
    Connect,
    /// `EHLO`.
    Hello,
    /// `AUTH` with all that belongs to it.
    Auth,
    /// `MAIL FROM`.
    From,
    /// `RCPT TO`.
    To,
    /// `DATA`.
    Data,
    /// The point after the mail.
    End,
}

/// What a server does at a step in place of what it should.
#[derive(Debug, Clone)]
pub enum SmtpTrouble {
    /// Answers with this line; after `421` it closes the connection.
    Answer(String),
    /// Says nothing until client or server goes.
    Hang,
    /// Closes the connection without a word.
    Close,
}

/// A mail as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// User and password, if the client gave any.
    pub login: Option<(String, String)>,
    /// The sender of the envelope.
    pub from: String,
    /// The receivers of the envelope.
    pub to: Vec<String>,
    /// Headers and body, with the ends of lines as `\n`.
    pub text: String,
    /// Whether the server took it: it said 250.
    pub is_taken: bool,
}

/// A server that lives as long as this value.
#[derive(Debug)]
pub struct SmtpServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// The ways to say who one is, as `EHLO` announces them.
    auth: Mutex<&'static str>,
    troubles: Mutex<VecDeque<(Step, SmtpTrouble, usize)>>,
    mails: Mutex<Vec<Mail>>,
    sessions: Mutex<usize>,
    stopped: AtomicBool,
}

impl Default for SmtpServer {
    fn default() -> Self {
        Self::start()
    }
}

impl SmtpServer {
    /// A server at a free port of 127.0.0.1 that takes any mail by anybody, and knows `AUTH PLAIN` and `AUTH LOGIN`.
    ///
    /// # Panics
    /// If there is no free port: without one there is no test.
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("the port's number");
        let shared = Arc::new(Shared { auth: Mutex::new("PLAIN LOGIN"), ..Shared::default() });
        let served = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &served));
        Self { address, shared }
    }

    /// Its address; `login` is empty, or `user:password@`.
    pub fn url(&self, login: &str) -> String {
        format!("smtp://{login}{}", self.address)
    }

    /// Announces these ways to say who one is: `LOGIN`, say.
    pub fn with_auth(&self, auth: &'static str) {
        *lock(&self.shared.auth) = auth;
    }

    /// Misbehaves the next `times` times that a client comes to a step.
    pub fn trouble(&self, step: Step, trouble: SmtpTrouble, times: usize) {
        lock(&self.shared.troubles).push_back((step, trouble, times));
    }

    /// Behaves well from now on.
    pub fn behave(&self) {
        lock(&self.shared.troubles).clear();
    }

    /// The mails that came since this was last asked, those that were refused at the end, too.
    pub fn mails(&self) -> Vec<Mail> {
        std::mem::take(&mut lock(&self.shared.mails))
    }

    /// Connections since this was last asked.
    pub fn sessions(&self) -> usize {
        std::mem::take(&mut lock(&self.shared.sessions))
    }
}

impl Drop for SmtpServer {
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
        *lock(&shared.sessions) += 1;
        let shared = Arc::clone(shared);
        // A client that goes away is no failure of the server's.
        thread::spawn(move || {
            Session { shared: &shared, stream, login: None, from: String::new(), to: vec![] }.run().ok()
        });
    }
}

impl Shared {
    fn next_trouble(&self, step: Step) -> Option<SmtpTrouble> {
        let mut troubles = lock(&self.troubles);
        let at = troubles.iter().position(|(at, ..)| *at == step)?;
        let (_, trouble, times) = &mut troubles[at];
        let trouble = trouble.clone();
        *times = times.saturating_sub(usize::from(*times != crate::ALWAYS));
        if *times == 0 {
            troubles.remove(at);
        }
        Some(trouble)
    }
}

/// A conversation with one client.
struct Session<'a> {
    shared: &'a Shared,
    stream: TcpStream,
    login: Option<(String, String)>,
    from: String,
    to: Vec<String>,
}

impl Session<'_> {
    fn run(mut self) -> io::Result<()> {
        self.stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut reader = BufReader::new(self.stream.try_clone()?);
        self.answer(Step::Connect, "220 localhost ESMTP")?;
        while let Some(line) = read_line(&mut reader)? {
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" | "HELO" => {
                    let auth = *lock(&self.shared.auth);
                    self.answer(Step::Hello, &format!("250-localhost\r\n250-8BITMIME\r\n250 AUTH {auth}"))?;
                }
                "AUTH" => self.authenticate(rest, &mut reader)?,
                "MAIL" => {
                    self.from = mailbox(rest);
                    self.answer(Step::From, "250 OK")?;
                }
                "RCPT" => {
                    if self.answer(Step::To, "250 OK")? {
                        self.to.push(mailbox(rest));
                    }
                }
                "DATA" => {
                    if self.answer(Step::Data, "354 Go on")? {
                        let text = read_mail(&mut reader)?;
                        self.take(text)?;
                    }
                }
                "NOOP" | "RSET" => self.say("250 OK")?,
                "QUIT" => return self.say("221 Bye"),
                _ => self.say("502 What?")?,
            }
        }
        Ok(())
    }

    fn take(&mut self, text: String) -> io::Result<()> {
        let (from, to) = (std::mem::take(&mut self.from), std::mem::take(&mut self.to));
        // Written down before the answer, so that a test that has the answer finds it.
        let at = {
            let mut mails = lock(&self.shared.mails);
            mails.push(Mail { login: self.login.clone(), from, to, text, is_taken: false });
            mails.len() - 1
        };
        let trouble = self.shared.next_trouble(Step::End);
        if trouble.is_none() {
            lock(&self.shared.mails)[at].is_taken = true;
        }
        self.obey(trouble, "250 Taken").map(drop)
    }

    /// `PLAIN` with its answer in the same line, or `LOGIN` with one line each for user and password.
    fn authenticate(&mut self, words: &str, reader: &mut BufReader<TcpStream>) -> io::Result<()> {
        let (way, initial) = words.split_once(' ').unwrap_or((words, ""));
        let login = if way.eq_ignore_ascii_case("PLAIN") {
            let plain = decode(initial);
            let mut parts = plain.split('\0').skip(1).map(str::to_owned);
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
        } else {
            self.say("334 VXNlcm5hbWU6")?;
            let user = read_line(reader)?.unwrap_or_default();
            self.say("334 UGFzc3dvcmQ6")?;
            (decode(&user), decode(&read_line(reader)?.unwrap_or_default()))
        };
        if self.answer(Step::Auth, "235 Welcome")? {
            self.login = Some(login);
        }
        Ok(())
    }

    /// Says this, unless there is trouble at this step; whether it said it.
    fn answer(&mut self, step: Step, line: &str) -> io::Result<bool> {
        let trouble = self.shared.next_trouble(step);
        self.obey(trouble, line)
    }

    fn obey(&mut self, trouble: Option<SmtpTrouble>, line: &str) -> io::Result<bool> {
        match trouble {
            None => return self.say(line).map(|()| true),
            Some(SmtpTrouble::Answer(line)) => {
                self.say(&line)?;
                if !line.starts_with("421") {
                    return Ok(false);
                }
            }
            Some(SmtpTrouble::Hang) => {
                // Until the client goes, or this server.
                self.stream.set_read_timeout(Some(Duration::from_millis(10)))?;
                let gone =
                    |error: io::Error| !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
                while !self.shared.stopped.load(Ordering::SeqCst) {
                    match self.stream.peek(&mut [0]) {
                        Ok(0) => break,
                        Ok(_) => thread::sleep(Duration::from_millis(10)),
                        Err(error) if gone(io::Error::from(error.kind())) => break,
                        Err(_) => {}
                    }
                }
            }
            Some(SmtpTrouble::Close) => {}
        }
        Err(io::ErrorKind::ConnectionAborted.into())
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        self.stream.write_all(format!("{line}\r\n").as_bytes())
    }
}

/// A line without its end; none at the end of all.
fn read_line(reader: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = reader.read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The lines up to the one that is a point, with the points that the client doubled made single.
fn read_mail(reader: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut text = String::new();
    while let Some(line) = read_line(reader)? {
        if line == "." {
            return Ok(text);
        }
        text += line.strip_prefix('.').unwrap_or(&line);
        text.push('\n');
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// The address in `FROM:<a@b> SIZE=1`.
fn mailbox(words: &str) -> String {
    let inside = words.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map(|(address, _)| address.to_owned()).unwrap_or_default()
}

/// Base64 of a text; what is none is read as far as it is.
fn decode(text: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let sixths = text.bytes().map_while(|byte| LETTERS.iter().position(|letter| *letter == byte));
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0, 0);
    for sixth in sixths {
        (held, bits) = ((held << 6 | sixth) & 0xffff, bits + 6);
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says the lines one after another; what the server said to each.
    fn talk(server: &SmtpServer, lines: &[&str]) -> Vec<String> {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut answers = vec![read_line(&mut reader).unwrap().unwrap_or_default()];
        for line in lines {
            stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
            let mut answer = read_line(&mut reader).unwrap().unwrap_or_default();
            while answer.as_bytes().get(3) == Some(&b'-') {
                answer = read_line(&mut reader).unwrap().unwrap_or_default();
            }
            answers.push(answer);
        }
        answers.iter().map(|answer| answer.chars().take(3).collect()).collect()
    }

    const LETTER: [&str; 5] =
        ["MAIL FROM:<a@x>", "RCPT TO:<b@x>", "RCPT TO:<c@x>", "DATA", "Subject: s\r\n\r\n..\r\n."];

    #[test]
    fn it_takes_mail_and_knows_who_brings_it() {
        let server = SmtpServer::start();
        let plain = ["EHLO me", "AUTH PLAIN AG1lAHB3"];
        assert_eq!(
            talk(&server, &[&plain[..], &LETTER, &["QUIT"]].concat()).join(" "),
            "220 250 235 250 250 250 354 250 221"
        );
        let mail = server.mails().remove(0);
        assert_eq!(mail.login, Some(("me".into(), "pw".into())));
        assert_eq!((mail.from.as_str(), mail.to.join(" ").as_str()), ("a@x", "b@x c@x"));
        assert_eq!((mail.text.as_str(), mail.is_taken), ("Subject: s\n\n.\n", true));
        assert_eq!(talk(&server, &["AUTH LOGIN", "bWU=", "cHc="]).join(" "), "220 334 334 235");
        assert_eq!(server.sessions(), 2);
    }

    #[test]
    fn it_misbehaves_as_often_as_it_is_told() {
        let server = SmtpServer::start();
        server.trouble(Step::Connect, SmtpTrouble::Answer("421 Busy".into()), 1);
        server.trouble(Step::To, SmtpTrouble::Answer("451 Later".into()), 1);
        server.trouble(Step::End, SmtpTrouble::Close, 1);
        assert_eq!(talk(&server, &[])[0], "421");
        assert_eq!(talk(&server, &LETTER).join(" "), "220 250 451 250 354 ");
        let mail = server.mails().remove(0);
        assert_eq!((mail.to, mail.is_taken), (vec!["c@x".to_owned()], false));
        server.trouble(Step::Hello, SmtpTrouble::Close, crate::ALWAYS);
        assert_eq!(talk(&server, &["EHLO me"])[1], "");
        server.behave();
        assert_eq!(talk(&server, &["EHLO me"])[1], "250");
    }
}
