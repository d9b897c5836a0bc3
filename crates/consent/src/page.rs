//! The pages that the browser shows when it comes back: what happened, and what to do. They are
//! written for the person, not for the operator.

use hyper::StatusCode;

/// A page. None of them contains anything from the request, so nothing can be injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// The grant is stored.
    Connected,
    /// The patient declined.
    Declined,
    /// The server refuses the app's request.
    Refused,
    /// The code could not be exchanged.
    Failed,
    /// The callback belongs to another request than the one that is waiting.
    OtherRequest,
    /// The background call of the server's own page: the person has no data.
    NotFound,
    /// The path is right, the query is not.
    Unusable,
    /// Another path, method or host.
    Elsewhere,
}

impl Page {
    /// The HTTP status of the page.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Page::Connected | Page::Declined | Page::NotFound => StatusCode::OK,
            Page::Elsewhere => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Title and text.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Page::Connected => (
                "Your Medicare data is connected",
                "You have agreed to share it with this application. You can close this window; \
                 nothing more is needed. You can take the consent back at any time at \
                 Medicare.gov, under your connected applications.",
            ),
            Page::Declined => (
                "Nothing is shared",
                "You chose not to share your Medicare data, and nothing was stored. You can close \
                 this window. If that was a mistake, begin again in the application.",
            ),
            Page::Refused => (
                "The application could not ask for your consent",
                "The request it made was refused. You have done nothing wrong. Close this window \
                 and tell the people who run the application; the program itself shows the reason.",
            ),
            Page::Failed => (
                "Your consent could not be stored",
                "You have agreed, but the last step failed. Close this window and begin again in \
                 the application; the program itself shows the reason.",
            ),
            Page::OtherRequest => (
                "This window belongs to an earlier request",
                "The application waits for the answer to another one. Close this window and go on \
                 in the one that was opened last, or begin again in the application.",
            ),
            Page::NotFound => (
                "Medicare found no data",
                "The person who logged in is known, but there is no claims data for them. Close \
                 this window.",
            ),
            Page::Unusable => (
                "This address cannot be used on its own",
                "It is where Medicare.gov leads back to after a consent. Begin in the application.",
            ),
            Page::Elsewhere => ("Not found", "There is nothing at this address."),
        }
    }

    /// The page as HTML, complete: it loads nothing.
    pub(crate) fn html(self) -> String {
        let (title, text) = self.words();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>\n\
             body {{ font: 1.125rem/1.6 system-ui, sans-serif; color: #1b1b1b; background: #f7f7f5; margin: 0; }}\n\
             main {{ max-width: 34rem; margin: 12vh auto 0; padding: 0 1.5rem; }}\n\
             h1 {{ font-size: 1.6rem; line-height: 1.25; }}\n\
             footer {{ margin-top: 2rem; font-size: .9rem; color: #565c65; }}\n\
             </style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p>{text}</p>\n\
             <footer>claimlake, on this computer</footer>\n</main>\n</body>\n</html>\n"
        )
    }
}
