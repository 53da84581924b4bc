//! What a failed request to S3 means, in words.

use std::{error::Error, fmt};

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use covid_core::FaultKind;

/// Why a request to S3 failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum S3Fault {
    /// There is no bucket of that name at the endpoint.
    NoSuchBucket,
    /// The credentials are good, and do not allow this.
    AccessDenied,
    /// The server does not know the access key.
    UnknownAccessKey,
    /// The server knows the access key, and the secret is not its own.
    WrongSecret,
    /// A session's token is too old, or was never good.
    ExpiredToken,
    /// The clocks of this machine and the server differ too much.
    ClockSkew,
    /// The bucket is in another region, perhaps known by name.
    WrongRegion(Option<String>),
    /// Nothing in the credential chain has credentials.
    NoCredentials,
    /// No region is set, and none is known.
    NoRegion,
    /// The server asked to come back later, at every try.
    Busy,
    /// There was no answer: no connection, or too late.
    NoAnswer,
    /// The content that came is not what was sent, at every try.
    Cut,
    /// Anything else; the detail says what.
    Other,
}

impl S3Fault {
    /// What an error of the client means.
    pub(super) fn of<E: ProvideErrorMetadata + Error + 'static>(error: &SdkError<E>) -> Self {
        match error {
            SdkError::TimeoutError(_) => Self::NoAnswer,
            SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_) => Self::before_an_answer(error),
            SdkError::ServiceError(refusal) => {
                let answer = refusal.raw();
                let region = answer.headers().get("x-amz-bucket-region").map(str::to_owned);
                Self::of_answer(error.code(), answer.status().as_u16(), region)
            }
            SdkError::ResponseError(broken) => Self::of_answer(None, broken.raw().status().as_u16(), None),
            _ => Self::Other,
        }
    }

    /// The codes are those of <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>; an answer without
    /// one is judged by its status.
    fn of_answer(code: Option<&str>, status: u16, region: Option<String>) -> Self {
        match code.unwrap_or_default() {
            "NoSuchBucket" => Self::NoSuchBucket,
            "AccessDenied" | "AllAccessDisabled" => Self::AccessDenied,
            "InvalidAccessKeyId" => Self::UnknownAccessKey,
            "SignatureDoesNotMatch" => Self::WrongSecret,
            "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired" => Self::ExpiredToken,
            "RequestTimeTooSkewed" => Self::ClockSkew,
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "Redirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException" => Self::WrongRegion(region),
            "SlowDown" | "ServiceUnavailable" | "InternalError" | "RequestTimeout" => Self::Busy,
            // As servers other than S3 itself say it, some of them with 400.
            "Throttling"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "TooManyRequestsException" => Self::Busy,
            _ => match status {
                301 | 307 => Self::WrongRegion(region),
                401 | 403 => Self::AccessDenied,
                429 | 500..=599 => Self::Busy,
                _ => Self::Other,
            },
        }
    }

    /// The client gives no type for what is missing before it can ask, but says it.
    fn before_an_answer(error: &(dyn Error + 'static)) -> Self {
        let said = chain(error).map(|cause| cause.to_string().to_lowercase()).collect::<Vec<_>>().join(" ");
        let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
        if says(&["credential"]) {
            Self::NoCredentials
        } else if says(&["region"]) {
            Self::NoRegion
        } else if says(&["io error", "connect", "dns", "timeout", "timed out", "dispatch failure"]) {
            Self::NoAnswer
        } else {
            Self::Other
        }
    }
}

impl fmt::Display for S3Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchBucket => "there is no such bucket",
            Self::AccessDenied => "access is denied",
            Self::UnknownAccessKey => "the server does not know the access key",
            Self::WrongSecret => "the signature does not match, so the secret access key is not that of the access key",
            Self::ExpiredToken => "the session token has expired or is not valid",
            Self::ClockSkew => "the clock of this machine and that of the server differ too much",
            Self::WrongRegion(Some(region)) => return write!(f, "the bucket is in another region, `{region}`"),
            Self::WrongRegion(None) => "the bucket is in another region",
            Self::NoCredentials => "no credentials could be had",
            Self::NoRegion => "no region is set",
            Self::Busy => "the server was busy or out of order at every try",
            Self::NoAnswer => "there was no answer",
            Self::Cut => "the content was cut off or damaged on its way at every try",
            Self::Other => "the request failed",
        })
    }
}

/// A request to S3 that failed: what was tried, and why it failed.
///
/// It holds what the server said as code and message; no header, no credentials and no content.
#[derive(Debug)]
pub struct S3Error {
    action: &'static str,
    bucket: String,
    key: String,
    fault: S3Fault,
    detail: String,
}

impl S3Error {
    pub(super) fn new(action: &'static str, bucket: String, key: String, fault: S3Fault, detail: String) -> Self {
        Self { action, bucket, key, fault, detail }
    }

    /// Why it failed.
    pub fn fault(&self) -> &S3Fault {
        &self.fault
    }

    /// The bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    pub(crate) fn kind(&self) -> FaultKind {
        match self.fault {
            S3Fault::NoCredentials | S3Fault::NoRegion => FaultKind::Usage,
            _ => FaultKind::Remote,
        }
    }

    pub(crate) fn hint(&self) -> String {
        let hint = match &self.fault {
            S3Fault::NoSuchBucket => {
                "create the bucket, or check its name (`--store s3://BUCKET/PREFIX`) and the endpoint (AWS_ENDPOINT_URL_S3)"
            }
            S3Fault::AccessDenied => {
                "the credentials need s3:ListBucket on the bucket, and s3:GetObject, s3:PutObject, s3:DeleteObject and \
                 s3:AbortMultipartUpload on its objects"
            }
            S3Fault::UnknownAccessKey => {
                "check AWS_ACCESS_KEY_ID, or AWS_PROFILE, and that the endpoint (AWS_ENDPOINT_URL_S3) is that of the key"
            }
            S3Fault::WrongSecret => "check AWS_SECRET_ACCESS_KEY, or the profile of AWS_PROFILE",
            S3Fault::ExpiredToken => "get new credentials, such as by `aws sso login`, and check AWS_SESSION_TOKEN",
            S3Fault::ClockSkew => "set the clock of this machine",
            S3Fault::WrongRegion(Some(region)) => return format!("set AWS_REGION={region}"),
            S3Fault::WrongRegion(None) => "set AWS_REGION to the region of the bucket",
            S3Fault::NoCredentials => {
                "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role"
            }
            S3Fault::NoRegion => "set AWS_REGION to the region of the bucket",
            S3Fault::Busy | S3Fault::Cut => "try again later, or with more tries (AWS_MAX_ATTEMPTS)",
            S3Fault::NoAnswer => "check the network and the endpoint (AWS_ENDPOINT_URL_S3)",
            S3Fault::Other => "check the store's URI (`--store`), AWS_REGION and AWS_ENDPOINT_URL_S3",
        };
        hint.to_owned()
    }
}

impl fmt::Display for S3Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action, bucket, key, fault, detail } = self;
        match (*action, key.as_str()) {
            ("listed", "") => write!(f, "the S3 bucket `{bucket}`")?,
            ("listed", key) => write!(f, "`{key}*` in the S3 bucket `{bucket}`")?,
            (_, key) => write!(f, "`{key}` in the S3 bucket `{bucket}`")?,
        }
        write!(f, " could not be {action}: {fault}")?;
        if detail.is_empty() { Ok(()) } else { write!(f, " ({detail})") }
    }
}

impl Error for S3Error {}

/// Whether nothing is there under the key.
pub(super) fn is_absent<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    match error.code() {
        // An answer to HEAD has no content, and so no code of the server.
        Some("NoSuchKey" | "NotFound") => true,
        Some(_) => false,
        None => status(error) == Some(404),
    }
}

/// Whether the condition of a write did not hold.
pub(super) fn is_precondition<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error.code() == Some("PreconditionFailed") || status(error) == Some(412)
}

/// Whether another write of the same object was under way, so that the server could not tell.
pub(super) fn is_conflict<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    matches!(error.code(), Some("ConditionalRequestConflict" | "OperationAborted"))
}

fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|answer| answer.status().as_u16())
}

/// What the server said, as code and message; else what went wrong in the end.
pub(super) fn said<E: ProvideErrorMetadata + Error + 'static>(error: &SdkError<E>) -> String {
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => match (error, status(error)) {
            (SdkError::ServiceError(_) | SdkError::ResponseError(_), Some(status)) => format!("HTTP {status}"),
            _ => innermost(error),
        },
    }
}

/// The last cause of an error, which is the one that says something.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
