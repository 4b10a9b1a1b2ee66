// BigQueryApi: the REST calls of BigQuery that the destinations make, with Google's rules about
// what may be sent again.
//
// Every call retries what may be retried (reasons rateLimitExceeded, backendError, internalError,
// badGateway; 408, 429, 500, 502, 503, 504; connections and timeouts) with backoff, until its
// deadline or `stop`. quotaExceeded is not retried: it is an Error of kind transient with a
// retry_after, and the run waits for it. Errors carry Google's reason and message; their codes are
// in google_error.h.
//
// Reference: https://cloud.google.com/bigquery/docs/reference/rest and .../docs/error-messages.
//
// Threads: one thread at a time; the token source and the limits by host behind it are shared.
#ifndef BIZOND_DESTINATIONS_GOOGLE_BIGQUERY_API_H_
#define BIZOND_DESTINATIONS_GOOGLE_BIGQUERY_API_H_

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/google/credentials.h"
#include "base/http_client.h"
#include "destinations/google/bigquery_config.h"
#include "destinations/google/table_schema.h"

namespace bizond {

class GoogleTransport;
struct UploadSource;

struct BigQueryTable {
  BigQueryTableName name;
  BigQuerySchema schema;
  std::string etag;
  uint64_t rows = 0;        // Without the streaming buffer.
  int64_t modified_ms = 0;  // lastModifiedTime
  int64_t created_ms = 0;   // creationTime: tells a table from another one of its name.
  bool streaming_buffer = false;
  std::map<std::string, std::string> labels;
  nlohmann::json resource;  // All that the service said.
};

struct BigQueryJob {
  std::string id;
  bool done = false;
  std::optional<Error> failure;  // errorResult, as google_error.h has it.
  std::string failure_reason;    // "backendError"
  nlohmann::json resource;
};

struct InsertFault {
  size_t index = 0;      // Of the row in its request.
  std::string reason;    // "invalid", "stopped", ...
  std::string location;  // The column.
  std::string message;
};

class BigQueryApi {
 public:
  // `token` nullptr: none is sent (an emulator).
  BigQueryApi(std::string project, std::string location, BigQueryEndpoints endpoints,
              std::shared_ptr<GoogleTokenSource> token, Clock* clock);
  ~BigQueryApi();

  // ---- datasets and tables ----
  Result<bool> DatasetExists(const BigQueryTableName& in, std::stop_token stop);
  Status CreateDataset(const BigQueryTableName& in, std::stop_token stop);  // Again: nothing.
  // nullopt: there is no such table.
  Result<std::optional<BigQueryTable>> GetTable(const BigQueryTableName& name,
                                                std::stop_token stop);
  // Those of the dataset whose names begin so, with their labels and no more; none in a dataset
  // that is not there.
  Result<std::vector<BigQueryTable>> ListTables(const BigQueryTableName& in,
                                                std::string_view prefix, std::stop_token stop);
  // `resource` as in tables.insert, without tableReference. A table that is there already stays
  // as it is.
  Status CreateTable(const BigQueryTableName& name, nlohmann::json resource, std::stop_token stop);
  // With `if_etag` only a table of that etag is changed (code bigquery_condition_not_met); a lost
  // answer is then told as one that was refused, so that the caller looks at the table again.
  Status PatchTable(const BigQueryTableName& name, const nlohmann::json& change,
                    std::stop_token stop, const std::string& if_etag = "");
  Status DeleteTable(const BigQueryTableName& name, std::stop_token stop);  // Again: nothing.

  // ---- jobs ----
  // Starts a job whose id was stored before. A job of that id that exists is found, not repeated.
  Result<BigQueryJob> StartJob(const std::string& id, const nlohmann::json& configuration,
                               std::stop_token stop);
  // The same for a load job whose data are sent with it, by a resumable upload that goes on where a
  // cut left it.
  Result<BigQueryJob> StartUpload(const std::string& id, const nlohmann::json& configuration,
                                  std::string_view data, std::stop_token stop);
  Result<BigQueryJob> StartUpload(const std::string& id, const nlohmann::json& configuration,
                                  const UploadSource& data, std::stop_token stop);
  // nullopt: there is no such job.
  Result<std::optional<BigQueryJob>> GetJob(const std::string& id, std::stop_token stop);
  // The same; that there is none is an error.
  Result<BigQueryJob> FindJob(const std::string& id, std::stop_token stop);
  // Waits until the job is done; a failed job is a result, not an error.
  Result<BigQueryJob> WaitForJob(const std::string& id, std::stop_token stop);

  // ---- streaming ----
  // `rows`: the JSON array's text, [{"insertId": ..., "json": {...}}, ...]. A table that is not
  // found is asked for again for two minutes: a new one is not known everywhere at once. One bad
  // row has the others refused, too, with the reason "stopped". Code bigquery_request_too_large
  // when the service does not take as many bytes or rows.
  Result<std::vector<InsertFault>> InsertAll(const BigQueryTableName& table, std::string_view rows,
                                             std::stop_token stop);

  // For other services of Google's under the same token.
  GoogleTransport& transport();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_BIGQUERY_API_H_
