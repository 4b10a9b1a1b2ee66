// BigQueryApi: jobs, and those that bring their data along.
#include <fmt/format.h>

#include "destinations/google/bigquery_api_impl.h"
#include "destinations/google/google_error.h"
#include "destinations/google/resumable_upload.h"

namespace bizond {
namespace {

constexpr Duration kFirstLook = std::chrono::milliseconds(250);
constexpr Duration kLongestLook = std::chrono::seconds(10);
// Sessions that are lost one after another, without an upload that comes to its end.
constexpr int kSessionsMax = 5;

Result<BigQueryJob> ReadJob(const std::string& id, nlohmann::json resource) {
  BigQueryJob job;
  job.id = id;
  const nlohmann::json status = JsonObject(resource, "status");
  const std::string state = JsonText(status, "state");
  if (state.empty()) return Failure(BadAnswer("job " + id, "the answer names no state"));
  job.done = state == "DONE";
  const nlohmann::json failure = JsonObject(status, "errorResult");
  if (job.done && !failure.empty()) {
    job.failure_reason = JsonText(failure, "reason");
    job.failure = GoogleError({.reason = job.failure_reason,
                               .message = ServiceText(JsonText(failure, "message")),
                               .status = 0},
                              "job " + id);
  }
  job.resource = std::move(resource);
  return job;
}

Result<BigQueryJob> ReadJob(const std::string& id, const HttpResponse& response) {
  auto resource = nlohmann::json::parse(response.body, nullptr, false);
  if (!resource.is_object()) {
    return Failure(BadAnswer("job " + id, "the answer is no JSON object"));
  }
  return ReadJob(id, std::move(resource));
}

// A job that "exists already" and that cannot be found lies in another location.
Error LostJob(const std::string& id, const std::string& location) {
  return {.kind = ErrorKind::kPermanent,
          .code = "bigquery_not_found",
          .message = fmt::format("job {} is not found in the location {}", id, location),
          .remedy = "set dataset_location to where the dataset lies"};
}

}  // namespace

std::string BigQueryApi::Impl::ProjectUrl() const {
  return fmt::format("{}/bigquery/v2/projects/{}", endpoints.rest, EncodePathSegment(project));
}

std::string BigQueryApi::Impl::JobUrl(const std::string& id) const {
  return fmt::format("{}/jobs/{}?location={}", ProjectUrl(), EncodePathSegment(id),
                     EncodePathSegment(location));
}

nlohmann::json BigQueryApi::Impl::JobBody(const std::string& id,
                                          const nlohmann::json& configuration) const {
  return {{"configuration", configuration},
          {"jobReference", {{"projectId", project}, {"jobId", id}, {"location", location}}}};
}

BigQueryApi::BigQueryApi(std::string project, std::string location, BigQueryEndpoints endpoints,
                         std::shared_ptr<GoogleTokenSource> token, Clock* clock)
    : impl_(new Impl{std::move(project), std::move(location), std::move(endpoints),
                     GoogleTransport(std::move(token), clock)}) {}

BigQueryApi::~BigQueryApi() = default;

GoogleTransport& BigQueryApi::transport() { return impl_->transport; }

Result<BigQueryJob> BigQueryApi::FindJob(const std::string& id, std::stop_token stop) {
  BIZOND_ASSIGN_OR_RETURN(std::optional<BigQueryJob> job, GetJob(id, stop));
  if (!job) return Failure(LostJob(id, impl_->location));
  return std::move(*job);
}

Result<BigQueryJob> BigQueryApi::StartJob(const std::string& id,
                                          const nlohmann::json& configuration,
                                          std::stop_token stop) {
  GoogleCall call{.method = "POST",
                  .url = impl_->ProjectUrl() + "/jobs",
                  .body = impl_->JobBody(id, configuration).dump()};
  call.answers = {409};
  BIZOND_ASSIGN_OR_RETURN(const HttpResponse response, impl_->transport.Send(call, stop));
  if (response.status == 409) return FindJob(id, stop);
  return ReadJob(id, response);
}

Result<BigQueryJob> BigQueryApi::StartUpload(const std::string& id,
                                             const nlohmann::json& configuration,
                                             std::string_view data, std::stop_token stop) {
  return StartUpload(id, configuration, UploadOf(data), std::move(stop));
}

Result<BigQueryJob> BigQueryApi::StartUpload(const std::string& id,
                                             const nlohmann::json& configuration,
                                             const UploadSource& data, std::stop_token stop) {
  const UploadTarget target{
      .endpoint = impl_->endpoints.rest,
      .url = fmt::format("{}/upload/bigquery/v2/projects/{}/jobs?uploadType=resumable",
                         impl_->endpoints.rest, EncodePathSegment(impl_->project)),
      .metadata = impl_->JobBody(id, configuration).dump()};
  for (int session = 0; session < kSessionsMax; ++session) {
    BIZOND_ASSIGN_OR_RETURN(const std::optional<HttpResponse> response,
                            UploadInSession(&impl_->transport, target, data, stop));
    if (response && response->status != 409) return ReadJob(id, *response);
    if (response) return FindJob(id, stop);
    // The session is gone: because the upload was done, or because it expired.
    BIZOND_ASSIGN_OR_RETURN(std::optional<BigQueryJob> job, GetJob(id, stop));
    if (job) return std::move(*job);
    BIZOND_RETURN_IF_ERROR(impl_->transport.Backoff(session, stop));
  }
  return Failure(BadAnswer("job " + id, "its upload's sessions were lost again and again"));
}

Result<std::optional<BigQueryJob>> BigQueryApi::GetJob(const std::string& id,
                                                       std::stop_token stop) {
  GoogleCall call{.url = impl_->JobUrl(id)};
  call.answers = {404};
  BIZOND_ASSIGN_OR_RETURN(const HttpResponse response, impl_->transport.Send(call, stop));
  if (response.status == 404) return std::nullopt;
  BIZOND_ASSIGN_OR_RETURN(BigQueryJob job, ReadJob(id, response));
  return std::optional(std::move(job));
}

Result<BigQueryJob> BigQueryApi::WaitForJob(const std::string& id, std::stop_token stop) {
  for (Duration rest = kFirstLook;; rest = std::min(rest * 2, kLongestLook)) {
    BIZOND_ASSIGN_OR_RETURN(BigQueryJob job, FindJob(id, stop));
    if (job.done) return job;
    if (!impl_->transport.clock().SleepFor(rest, stop)) {
      return Failure(StoppedError("waiting for job " + id));
    }
  }
}

}  // namespace bizond
