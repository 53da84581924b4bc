//! Chromium, headless, through its DevTools protocol: JSON over one WebSocket, which `std` is enough for.
#![allow(clippy::unwrap_used)] // The tests' own.

use std::{
    collections::VecDeque,
    env, fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// Nothing that is asked of the browser takes so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser that has not ended after so long is killed.
const CLOSING: Duration = Duration::from_secs(5);

/// Without the second half of them, Chromium looks for its maker's hosts when it starts.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser with one page. It ends when it is dropped.
pub struct Browser {
    process: Child,
    socket: BufReader<TcpStream>,
    calls: u64,
    events: VecDeque<Value>,
}

/// The browser that `COVID_TEST_CHROMIUM` names, else Debian's. Without one, the test that asks says so in one line and
/// has to return.
#[allow(clippy::print_stdout)] // The one line that tells a skipped test from a passed one.
pub fn chromium() -> Option<PathBuf> {
    let named = env::var_os("COVID_TEST_CHROMIUM").filter(|path| !path.is_empty()).map(PathBuf::from);
    let found = named.or_else(|| Some(PathBuf::from("/usr/bin/chromium")).filter(|path| path.exists()));
    if found.is_none() {
        println!("skipped: no Chromium");
    }
    found
}

impl Browser {
    /// Starts the browser with a profile of its own in a folder.
    pub fn start(chromium: &Path, folder: &Path) -> Self {
        let profile = folder.join("profile");
        let mut command = Command::new(chromium);
        command.args(FLAGS).arg(format!("--user-data-dir={}", profile.display())).arg("about:blank");
        command.env("HOME", folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let port = wait_for(|| {
            assert!(process.try_wait().unwrap().is_none(), "Chromium ended before it was asked anything");
            let port = fs::read_to_string(profile.join("DevToolsActivePort")).ok()?;
            port.lines().nth(1).and(port.lines().next()?.parse().ok())
        });
        let path = wait_for(|| page_socket(port));
        let mut browser = Self { process, socket: upgraded(port, &path), calls: 0, events: VecDeque::new() };
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Loads a file of this machine; `fragment` is what comes after `#`.
    pub fn open(&mut self, file: &Path, fragment: &str) {
        // From a blank page, for the same page with another fragment would not be loaded again.
        for url in ["about:blank".to_owned(), format!("file://{}#{fragment}", file.display())] {
            self.events.retain(|event| event["method"] != "Page.loadEventFired");
            let opened = self.call("Page.navigate", json!({ "url": url }));
            assert!(opened.get("errorText").is_none(), "{opened}");
            self.wait_for_event("Page.loadEventFired");
        }
    }

    /// The value of an expression in the page.
    pub fn value(&mut self, expression: &str) -> Value {
        let answer = self.call("Runtime.evaluate", json!({ "expression": expression, "returnByValue": true }));
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true in the page, for what the browser does in its own time.
    pub fn wait_until(&mut self, expression: &str) {
        let start = Instant::now();
        while self.value(expression) != true {
            assert!(start.elapsed() < PATIENCE, "never true: {expression}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The value of an expression, which is text.
    pub fn text(&mut self, expression: &str) -> String {
        let value = self.value(expression);
        value.as_str().map(str::to_owned).unwrap_or_else(|| panic!("{expression} is no text: {value}"))
    }

    /// Makes the screen so many pixels wide and high.
    pub fn resize(&mut self, width: u32, height: u32) {
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", screen);
    }

    /// What does not fit into the page's width, by its first letters: empty if nothing makes the reader scroll sideways.
    /// A `.scroll` box may be wider, since it scrolls by itself.
    pub fn outside(&mut self) -> Vec<String> {
        let outside = "[...document.querySelectorAll('main, main *')].filter(node => !node.closest('.scroll, svg, datalist') \
                       && node.getBoundingClientRect().right > innerWidth).map(node => node.outerHTML.slice(0, 80))";
        let mut found: Vec<String> = serde_json::from_value(self.value(outside)).unwrap();
        let widths = self.value("[document.documentElement.scrollWidth, innerWidth]");
        if widths[0].as_f64() > widths[1].as_f64() {
            found.push(format!("the page: {widths}"));
        }
        found
    }

    /// Clicks in the middle of an element, as a mouse does.
    pub fn click(&mut self, selector: &str) {
        let place = self.value(&format!(
            "(() => {{ const node = document.querySelector({selector:?}); node.scrollIntoView({{block: 'center'}}); \
             const box = node.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Types text where the focus is.
    pub fn insert(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Presses a key, `Enter` or `Tab` say, and lets it go.
    pub fn press(&mut self, key: &str, code: u32) {
        let text = if key == "Enter" { "\r" } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text });
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// A method of the protocol, and its result.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        self.send(&json!({ "id": id, "method": method, "params": params }).to_string()).unwrap();
        loop {
            let mut message = self.receive();
            if message["id"] == id {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].take();
            }
            self.events.push_back(message);
        }
    }

    /// What the page wrote to its console, threw, was refused by its own policy, or asked in a dialog, so far.
    pub fn complaints(&mut self) -> Vec<Value> {
        // An answer comes after the events before it.
        self.value("0");
        let kinds =
            ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening"];
        self.events.iter().filter(|event| kinds.iter().any(|kind| event["method"] == *kind)).cloned().collect()
    }

    /// The addresses that were asked for since `Network.enable`, in their order.
    pub fn requests(&mut self) -> Vec<String> {
        // An answer comes after the events before it.
        self.value("0");
        let requests = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        requests.map(|event| event["params"]["request"]["url"].to_string().trim_matches('"').to_owned()).collect()
    }

    fn wait_for_event(&mut self, method: &str) {
        while !self.events.iter().any(|event| event["method"] == method) {
            let message = self.receive();
            self.events.push_back(message);
        }
    }

    /// One frame of text. A client has to mask what it sends; a mask of zeros is one.
    fn send(&mut self, text: &str) -> io::Result<()> {
        let mut frame = vec![0x81];
        match text.len() {
            length @ ..126 => frame.push(0x80 | length as u8),
            length @ ..0x1_0000 => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
            length => {
                frame.push(0x80 | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.socket.get_mut().write_all(&frame)
    }

    fn receive(&mut self) -> Value {
        let mut message = Vec::new();
        loop {
            let [head, length] = self.bytes();
            let length = match length {
                126 => u64::from(u16::from_be_bytes(self.bytes())),
                127 => u64::from_be_bytes(self.bytes()),
                length => u64::from(length),
            };
            self.socket.by_ref().take(length).read_to_end(&mut message).unwrap();
            // The last frame of a message has the highest bit.
            if head & 0x80 != 0 {
                return serde_json::from_slice(&message).unwrap();
            }
        }
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.socket.read_exact(&mut bytes).expect("Chromium answers in time");
        bytes
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked to end, it ends its helpers first; killed, they would still write to the profile while it is removed.
        let asked = self.send(&json!({ "id": 0, "method": "Browser.close" }).to_string());
        let start = Instant::now();
        while asked.is_ok() && start.elapsed() < CLOSING && matches!(self.process.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The path of the WebSocket of the one page.
fn page_socket(port: u16) -> Option<String> {
    let mut stream = connected(port);
    write!(stream, "GET /json/list HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    while reader.read_line(&mut answer).ok()? > 2 {
        let (name, value) = answer.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
        answer.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let targets: Value = serde_json::from_slice(&body).ok()?;
    let page = targets.as_array()?.iter().find(|target| target["type"] == "page")?;
    Some(format!("/devtools/page/{}", page["id"].as_str()?))
}

fn upgraded(port: u16, path: &str) -> BufReader<TcpStream> {
    let mut stream = connected(port);
    // The key guards against caches between the two; here is none.
    let key = "AAAAAAAAAAAAAAAAAAAAAA==";
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13";
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{upgrade}\r\nSec-WebSocket-Key: {key}\r\n\r\n").unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.contains(" 101 "), "Chromium refused the WebSocket: {line}");
    while line.trim() != "" {
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
    reader
}

fn connected(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "Chromium does not start");
        thread::sleep(Duration::from_millis(10));
    }
}
