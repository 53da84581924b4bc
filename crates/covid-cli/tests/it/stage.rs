//! The example stage as a program: exit codes, streams, logging.

use std::{env, path::PathBuf, process::Stdio};

use covid_testing::{Output, Sandbox, assert_run};

/// Cargo builds examples beside the tests, but names no variable after them.
fn example() -> String {
    let test = env::current_exe().unwrap();
    let folder = test.parent().and_then(|deps| deps.parent()).unwrap();
    let path: PathBuf = folder.join("examples").join(format!("stage{}", env::consts::EXE_SUFFIX));
    path.to_str().unwrap().to_owned()
}

fn stage(args: &[&str]) -> Output {
    Sandbox::new().run(&example(), args)
}

#[test]
fn a_result_goes_to_stdout() {
    assert_run!(stage(&[]), @r"
    exit: 0
    ----- stdout -----
    7 days of `sample`
    ----- stderr -----
    ");
    assert_run!(stage(&["--format", "json", "--horizon", "14", "--as-of", "2020-02-02"]), @r#"
    exit: 0
    ----- stdout -----
    {
      "source": "sample",
      "as_of": "2020-02-02",
      "prediction": {
        "horizon": 14
      }
    }
    ----- stderr -----
    "#);
}

#[test]
fn an_error_is_a_sentence_a_hint_and_an_exit_code() {
    assert_run!(stage(&["explained"]), @r"
    exit: 4
    ----- stdout -----
    ----- stderr -----
    error: cannot sync: the forecast server at http://example.invalid is down
    hint: try again later
    ");
    assert_run!(stage(&["unexplained"]), @r"
    exit: 1
    ----- stdout -----
    ----- stderr -----
    error: cannot write: the disk is full
    ");
    assert_run!(stage(&["--horizon=-1"]), @r"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: the command line sets `prediction.horizon` to `-1`, which it cannot be: invalid value: integer `-1`, expected u32
    hint: `prediction.horizon`: Days ahead that are predicted, 1 to 60.
    ");
    assert_run!(stage(&["--as-of", "soon"]), @r"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: the flag --as-of sets `as_of` to `soon`, which it cannot be: failed to parse four digit integer as year: invalid digit, expected 0-9 but got s
    hint: `as_of`: The as-of date, YYYY-MM-DD: nothing looks past it. Not set: the last date of the source.
    ");
    assert_run!(stage(&["--as-off", "soon"]), @r"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: unexpected argument '--as-off' found

      tip: a similar argument exists: '--as-of'

    Usage: stage --as-of <YYYY-MM-DD>

    For more information, try '--help'.
    ");
    assert_run!(Sandbox::new().env("COVID_SOURC", "jhu").run(&example(), &[]), @r"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: the environment variable COVID_SOURC stands for no setting
    hint: did you mean COVID_SOURCE?
    ");
    assert_run!(Sandbox::new().env("COVID_NOW", "yesterday").run(&example(), &[]), @r"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: the environment variable COVID_NOW is `yesterday`, which is not an instant in RFC 3339
    hint: write it like COVID_NOW=2030-01-02T03:04:05Z, or unset it to use the system's clock
    ");
}

#[test]
fn a_panic_is_a_sentence_too() {
    let output = stage(&["panic"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.starts_with("error: the program met a bug at "), "{output}");
    assert!(output.stderr.contains(": two and two are five\nhint: "), "{output}");
}

#[test]
fn a_closed_stdout_ends_the_program_quietly() {
    let sandbox = Sandbox::new();
    let mut child =
        sandbox.command(&example(), &["flood"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}

#[test]
fn stderr_says_as_much_as_is_asked_for() {
    assert_run!(stage(&["talk"]), @r"
    exit: 0
    ----- stdout -----
    2030-01-02
    ----- stderr -----
    error: an error
    warning: a warning rows=3
    what is in order
    ");
    assert_run!(stage(&["talk", "-q"]), @r"
    exit: 0
    ----- stdout -----
    2030-01-02
    ----- stderr -----
    error: an error
    ");
    let verbose = stage(&["-v", "talk"]).stderr;
    assert!(verbose.contains("what others say") && verbose.contains("a detail"), "{verbose}");
    let chosen = Sandbox::new().env("RUST_LOG", "elsewhere=info").run(&example(), &["talk"]).stderr;
    assert!(chosen.contains("what others say") && !chosen.contains("a warning"), "{chosen}");
}

#[test]
fn help_explains_every_common_argument() {
    assert_run!(stage(&["--help"]), @r#"
    exit: 0
    ----- stdout -----
    Prints its settings, or ends in a chosen way

    Usage: stage [OPTIONS] [COMMAND]

    Commands:
      talk         Say something at every level
      flood        Print without end
      explained    Fail with an explained error
      unexplained  Fail with another error
      panic        Panic
      help         Print this message or the help of the given subcommand(s)

    Options:
          --horizon <DAYS>
              Days ahead

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Common options:
          --source <SOURCE>
              Where the data come from: `sample`, `jhu` (downloaded), or a path: files of JHU or Kaggle, dated vintages, a table of your own [default: sample]

          --dataset <NAME>
              Name under which data, predictions and models live [default: after the source]

          --as-of <YYYY-MM-DD>
              As-of date: no later data are used [default: the last date of the source]

          --store <URI>
              Where predictions and scores are kept: `file:PATH` or `s3://BUCKET/PREFIX` [default: file:./store]

          --tracking <URI>
              Where experiments and models are kept: `embedded:PATH` or `http(s)://HOST` [default: inside the store]

          --by-county
              Keep counties apart where a source has them, instead of adding them up to their province

          --cases-column <NAME>
              Column of cumulative cases in a table of your own [default: ConfirmedCases]

          --deaths-column <NAME>
              Column of cumulative deaths in a table of your own; a table may have none [default: Fatalities]

          --repair <METHOD>
              What to do about cumulative counts that fall: `monotone` or `none` [default: monotone]

          --config <FILE>
              File of settings, laid over the defaults, below environment variables and flags

          --format <FORMAT>
              How to write the result

              Possible values:
              - text: Tables and sentences for people
              - json: One JSON document for programs

              [default: text]

          --no-progress
              Show no progress bars

      -v, --verbose...
              Say more on stderr; twice for every detail

      -q, --quiet
              Say nothing on stderr but errors
    ----- stderr -----
    "#);
}
