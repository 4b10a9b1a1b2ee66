#include "base/http_failure.h"

#include <fmt/format.h>

#include <string>

#include "base/log.h"
#include "base/text.h"

namespace bizond {
namespace {

struct FailureRow {
  CURLcode code;
  ErrorKind kind;
  std::string_view name;
  std::string_view remedy;
};

constexpr std::string_view kIsItRunning =
    "check that it runs, and that host and port are right: curl -v";
constexpr std::string_view kCheckCertificate =
    "check the certificate, the authorities that are trusted and the system's clock";
constexpr std::string_view kCheckFile = "check the file: openssl x509 -in FILE -noout -text";
constexpr std::string_view kTryAgain = "try again";
constexpr std::string_view kNotHttp =
    "what listens there does not speak HTTP as it should: check host and port";

constexpr FailureRow kFailures[] = {
    {CURLE_COULDNT_CONNECT, ErrorKind::kTransient, "connect_failed", kIsItRunning},
    {CURLE_COULDNT_RESOLVE_HOST, ErrorKind::kTransient, "connect_failed",
     "check the host's name: getent hosts"},
    {CURLE_COULDNT_RESOLVE_PROXY, ErrorKind::kTransient, "connect_failed",
     "check the variables http_proxy and https_proxy"},
    {CURLE_PROXY, ErrorKind::kTransient, "connect_failed",
     "check the variables http_proxy and https_proxy"},
    {CURLE_SSL_CONNECT_ERROR, ErrorKind::kTransient, "tls_failed",
     "check that the port speaks TLS 1.2 or later, and whether it asks for a client certificate"},
    {CURLE_PEER_FAILED_VERIFICATION, ErrorKind::kPermanent, "tls_failed", kCheckCertificate},
    {CURLE_SSL_ISSUER_ERROR, ErrorKind::kPermanent, "tls_failed", kCheckCertificate},
    {CURLE_SSL_INVALIDCERTSTATUS, ErrorKind::kPermanent, "tls_failed", kCheckCertificate},
    {CURLE_SSL_CIPHER, ErrorKind::kPermanent, "tls_failed", kCheckCertificate},
    {CURLE_SSL_CACERT_BADFILE, ErrorKind::kConfig, "tls_failed", kCheckFile},
    {CURLE_SSL_CERTPROBLEM, ErrorKind::kConfig, "tls_failed", kCheckFile},
    {CURLE_OPERATION_TIMEDOUT, ErrorKind::kTransient, "http_timeout",
     "check that the other side is not overloaded, or allow more time"},
    {CURLE_GOT_NOTHING, ErrorKind::kTransient, "connection_lost", kTryAgain},
    {CURLE_SEND_ERROR, ErrorKind::kTransient, "connection_lost", kTryAgain},
    {CURLE_RECV_ERROR, ErrorKind::kTransient, "connection_lost", kTryAgain},
    {CURLE_PARTIAL_FILE, ErrorKind::kTransient, "connection_lost", kTryAgain},
    {CURLE_SEND_FAIL_REWIND, ErrorKind::kTransient, "connection_lost", kTryAgain},
    {CURLE_HTTP2, ErrorKind::kTransient, "connection_lost", kTryAgain},
    {CURLE_HTTP2_STREAM, ErrorKind::kTransient, "connection_lost", kTryAgain},
    {CURLE_UNSUPPORTED_PROTOCOL, ErrorKind::kPermanent, "http_error", kNotHttp},  // HTTP/0.9.
    {CURLE_WEIRD_SERVER_REPLY, ErrorKind::kPermanent, "http_error", kNotHttp},
    {CURLE_BAD_CONTENT_ENCODING, ErrorKind::kPermanent, "http_error", kNotHttp},
    {CURLE_URL_MALFORMAT, ErrorKind::kConfig, "http_error", "check the URL"},
};

}  // namespace

Error ErrorOf(CURLcode code, std::string_view what, std::string_view detail) {
  FailureRow row{code, ErrorKind::kTransient, "http_error", kTryAgain};
  for (const FailureRow& candidate : kFailures) {
    if (candidate.code == code) {
      row = candidate;
      break;
    }
  }
  const std::string_view why = !detail.empty() ? detail : curl_easy_strerror(code);
  return {.kind = row.kind,
          .code = std::string(row.name),
          .message = fmt::format("{}: {}", what, EscapeControls(Redact(why))),
          .remedy = std::string(row.remedy)};
}

Error TooLargeError(std::string_view what, uint64_t max_bytes) {
  return {.kind = ErrorKind::kPermanent,
          .code = "response_too_large",
          .message = fmt::format("{}: the answer is larger than {} bytes", what, max_bytes),
          .remedy = "ask for less at once (limit=, filters)"};
}

}  // namespace bizond
