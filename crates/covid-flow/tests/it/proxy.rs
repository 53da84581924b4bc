//! A way to a server that can be cut and mended.

use std::time::Duration;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

pub(crate) struct Proxy {
    /// The server's address by way of the proxy.
    pub(crate) url: String,
    is_up: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A way to `http://host:port/path`.
    pub(crate) async fn start(target: String) -> Self {
        let rest = target.strip_prefix("http://").unwrap();
        let (host, path) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/{path}", listener.local_addr().unwrap());
        let (is_up, watched) = watch::channel(true);
        let task = tokio::spawn(accept(listener, host.to_owned(), watched));
        Self { url, is_up, task }
    }

    pub(crate) fn set_up(&self, is_up: bool) {
        self.is_up.send(is_up).unwrap();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, host: String, is_up: watch::Receiver<bool>) {
    loop {
        let Ok((mut client, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (host, mut is_up) = (host.clone(), is_up.clone());
        tokio::spawn(async move {
            if !*is_up.borrow() {
                return;
            }
            let Ok(mut server) = TcpStream::connect(host).await else { return };
            // What is under way is cut, too.
            tokio::select! {
                _ = copy_bidirectional(&mut client, &mut server) => {}
                _ = is_up.wait_for(|is_up| !is_up) => {}
            }
        });
    }
}
