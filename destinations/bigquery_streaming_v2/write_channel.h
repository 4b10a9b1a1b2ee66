// WriteChannel: the connection to BigQuery's Storage Write API, and what every call on it carries.
//
// One HTTP/2 connection, made with the first call: TLS with the system's certificates (or those
// that gRPC's own GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names) and the token as call credentials, or
// plain and without a token where an emulator stands in. Each call says in x-goog-request-params
// what it is about, which is how the service finds the region.
//
// Error codes: bigquery_unavailable (transient), bigquery_refused, bigquery_not_found,
// bigquery_access_denied, bigquery_unauthorized, tls_failed.
//
// Threads: one thread at a time; a stop token may be raised by any.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_WRITE_CHANNEL_H_
#define BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_WRITE_CHANNEL_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>

#include <proto/bigquery_write.grpc.pb.h>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/google/credentials.h"
#include "destinations/google/bigquery_config.h"

namespace bizond {

namespace write_proto = google::cloud::bigquery::storage::v1;

// The canonical codes that the service names (google.rpc.Code), in a call's status and in a
// response's `error`.
inline constexpr int kCancelled = 1, kInvalidArgument = 3, kDeadlineExceeded = 4, kNotFound = 5,
                     kAlreadyExists = 6, kPermissionDenied = 7, kResourceExhausted = 8,
                     kFailedPrecondition = 9, kAborted = 10, kOutOfRange = 11, kInternal = 13,
                     kUnavailable = 14, kUnauthenticated = 16;

// The same call may succeed later.
bool MayBeRetried(int code);
// The other side is not who it should be: gRPC has it as UNAVAILABLE, and no attempt makes it
// better. `message` is the call's.
bool CertificateRefused(int code, std::string_view message);
// `what` was tried: "appending to the write stream X".
Error WriteApiError(int code, std::string_view message, std::string_view what);

// Waits between attempts: doubled from 200 ms to 32 s, each with jitter, and given up when nothing
// went well for five minutes.
class WriteBackoff {
 public:
  explicit WriteBackoff(Clock* clock) : clock_(*clock) {}
  // Something went well: from the start again.
  void Reset();
  // False: it took too long. Stopped when a stop was asked for.
  Result<bool> Wait(std::stop_token stop);

 private:
  Clock& clock_;
  int attempt_ = 0;
  Duration since_{0};
};

class WriteChannel {
 public:
  WriteChannel(const BigQueryEndpoints& endpoints, std::shared_ptr<GoogleTokenSource> token,
               Clock* clock);

  // Gives a call its metadata and its token: `key`=`value` go into x-goog-request-params.
  Status Prepare(grpc::ClientContext* context, std::string_view key, std::string_view value,
                 std::stop_token stop);
  // The service answered UNAUTHENTICATED: true when another token may help, which is asked for once
  // in a row.
  bool TokenRefused();
  void TokenTaken() { refused_ = false; }

  write_proto::BigQueryWrite::Stub& stub() { return *stub_; }
  grpc::GenericStub& generic() { return *generic_; }
  Clock& clock() { return clock_; }

 private:
  const bool emulated_;
  const std::shared_ptr<GoogleTokenSource> token_;
  Clock& clock_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<write_proto::BigQueryWrite::Stub> stub_;
  std::unique_ptr<grpc::GenericStub> generic_;
  std::string last_token_;
  bool refused_ = false;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_WRITE_CHANNEL_H_
