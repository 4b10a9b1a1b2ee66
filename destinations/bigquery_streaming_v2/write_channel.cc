#include "destinations/bigquery_streaming_v2/write_channel.h"

#include <fmt/format.h>
#include <grpc/support/log.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>

namespace bizond {
namespace {

constexpr Duration kFirstWait = std::chrono::milliseconds(200);
constexpr Duration kLongestWait = std::chrono::seconds(32);
constexpr Duration kGiveUpAfter = std::chrono::minutes(5);

// A header's value is ASCII; a table's name need not be.
std::string EncodedParameter(std::string_view value) {
  std::string out;
  for (const char c : value) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("/-_.~").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace

bool MayBeRetried(int code) {
  switch (code) {
    case kCancelled:
    case kDeadlineExceeded:
    case kResourceExhausted:
    case kAborted:
    case kInternal:
    case kUnavailable:
      return true;
    default:
      return false;
  }
}

bool CertificateRefused(int code, std::string_view message) {
  // By OpenSSL's name of it, and by what gRPC says of a host name that the certificate has not.
  return code == kUnavailable && (message.find("CERTIFICATE_VERIFY_FAILED") != message.npos ||
                                  message.find("certificate verify failed") != message.npos ||
                                  message.find("is not in peer certificate") != message.npos);
}

Error WriteApiError(int code, std::string_view message, std::string_view what) {
  Error error{.kind = ErrorKind::kPermanent,
              .code = "bigquery_refused",
              .message = fmt::format("BigQuery's Storage Write API, {}: {} (gRPC code {})", what,
                                     message.substr(0, 1000), code),
              .remedy =
                  "the message is the service's own; see "
                  "https://cloud.google.com/bigquery/docs/write-api#error_handling"};
  if (CertificateRefused(code, message)) {
    error.code = "tls_failed";
    error.remedy =
        "the server's certificate is not vouched for by a trusted authority: look at the clock and "
        "at proxies; GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names a file of authorities to trust instead "
        "of the system's";
  } else if (MayBeRetried(code)) {
    error.kind = ErrorKind::kTransient;
    error.code = "bigquery_unavailable";
    error.remedy =
        "it is tried again; where it stays, look at the network, the quotas and "
        "https://status.cloud.google.com";
  } else if (code == kPermissionDenied || code == kUnauthenticated) {
    error.code = code == kUnauthenticated ? "bigquery_unauthorized" : "bigquery_access_denied";
    error.remedy = "give the account the role BigQuery Data Editor on the dataset, or another key";
  } else if (code == kNotFound) {
    error.code = "bigquery_not_found";
    error.remedy = "look at project_id, dataset_id and whether somebody removed the table";
  }
  return error;
}

void WriteBackoff::Reset() { attempt_ = 0; }

Result<bool> WriteBackoff::Wait(std::stop_token stop) {
  const Duration now = clock_.Steady();
  if (attempt_ == 0) since_ = now;
  if (now - since_ > kGiveUpAfter) return false;
  const Duration whole = std::min(kLongestWait, kFirstWait * (1 << std::min(attempt_, 10)));
  ++attempt_;
  // Half of it at least; the rest by the microseconds of the clock, which no two clients share.
  const Duration jitter(now.count() % (whole.count() / 2));
  if (!clock_.SleepFor(whole / 2 + jitter, std::move(stop))) {
    return Failure(StoppedError("waiting for BigQuery's Storage Write API"));
  }
  return true;
}

WriteChannel::WriteChannel(const BigQueryEndpoints& endpoints,
                           std::shared_ptr<GoogleTokenSource> token, Clock* clock)
    : emulated_(endpoints.write_api_emulated), token_(std::move(token)), clock_(*clock) {
  // What goes wrong comes back as the status of a call; gRPC's own lines would go to stderr.
  gpr_set_log_function([](gpr_log_func_args*) {});
  grpc::ChannelArguments arguments;
  arguments.SetUserAgentPrefix("bizond");
  // A connection of its own: those of other runs have their own limits.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(64 << 20);
  const auto credentials = emulated_ ? grpc::InsecureChannelCredentials()
                                     : grpc::SslCredentials(grpc::SslCredentialsOptions());
  channel_ = grpc::CreateCustomChannel(endpoints.write_api, credentials, arguments);
  stub_ = write_proto::BigQueryWrite::NewStub(channel_);
  generic_ = std::make_unique<grpc::GenericStub>(channel_);
}

Status WriteChannel::Prepare(grpc::ClientContext* context, std::string_view key,
                             std::string_view value, std::stop_token stop) {
  context->AddMetadata("x-goog-request-params", std::string(key) + "=" + EncodedParameter(value));
  // Call credentials are refused by a channel without TLS: a token never goes out in the clear.
  if (emulated_ || token_ == nullptr) return {};
  BIZOND_ASSIGN_OR_RETURN(last_token_, token_->AccessToken(std::move(stop)));
  context->set_credentials(grpc::AccessTokenCredentials(last_token_));
  return {};
}

bool WriteChannel::TokenRefused() {
  if (refused_ || token_ == nullptr || emulated_) return false;
  refused_ = true;
  token_->Invalidate(last_token_);
  return true;
}

}  // namespace bizond
