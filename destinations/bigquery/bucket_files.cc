// LoadFiles in a bucket of Cloud Storage.
//
// Reference: https://cloud.google.com/storage/docs/json_api/v1/objects.
#include <fmt/format.h>

#include <algorithm>

#include "destinations/bigquery/load_files.h"
#include "destinations/divergence.h"
#include "destinations/google/resumable_upload.h"
#include "destinations/google/transport.h"

namespace bizond {
namespace {

constexpr int kSessionsMax = 5;
// A full file, and what zlib held back of it.
constexpr uint64_t kReadBytesMax = 96 << 20;

UploadSource Joined(const std::vector<std::string>& pieces) {
  UploadSource source;
  for (const std::string& piece : pieces) source.size += piece.size();
  source.read = [&pieces](size_t offset, size_t size) -> Result<std::string> {
    std::string bytes;
    for (const std::string& piece : pieces) {
      if (bytes.size() == size) break;
      if (offset < piece.size()) {
        bytes += std::string_view(piece).substr(offset, size - bytes.size());
        offset = 0;
      } else {
        offset -= piece.size();
      }
    }
    return bytes;
  };
  return source;
}

class BucketFiles final : public LoadFiles {
 public:
  BucketFiles(GoogleTransport* transport, std::string endpoint, std::string bucket,
              std::string owner, size_t files_per_job)
      : transport_(transport),
        endpoint_(std::move(endpoint)),
        bucket_(std::move(bucket)),
        owner_(std::move(owner)),
        files_per_job_(files_per_job) {}

  Status Put(const std::string& name, const std::vector<std::string>& pieces,
             std::stop_token stop) override {
    const UploadSource source = Joined(pieces);
    const UploadTarget target{
        .endpoint = endpoint_,
        .url = fmt::format("{}/upload/storage/v1/b/{}/o?uploadType=resumable&name={}", endpoint_,
                           EncodePathSegment(bucket_), EncodePathSegment(Path(name))),
        .metadata = nlohmann::json{{"contentType", "application/gzip"}}.dump(),
        .content_type = "application/gzip"};
    // Put twice under a name that holds the content's hash, an object is the same.
    for (int session = 0; session < kSessionsMax; ++session) {
      BIZOND_ASSIGN_OR_RETURN(const auto response,
                              UploadInSession(transport_, target, source, stop));
      if (response) return {};
      BIZOND_RETURN_IF_ERROR(transport_->Backoff(session, stop));
    }
    return Failure(BadAnswer("an upload to " + bucket_, "its sessions were lost again and again"));
  }

  Result<std::string> Read(const std::string& name, std::stop_token stop) override {
    GoogleCall call{.url = fmt::format("{}/storage/v1/b/{}/o/{}?alt=media", endpoint_,
                                       EncodePathSegment(bucket_), EncodePathSegment(Path(name)))};
    call.answers = {404};
    call.max_response_bytes = kReadBytesMax;
    BIZOND_ASSIGN_OR_RETURN(HttpResponse response, transport_->Send(call, std::move(stop)));
    if (response.status == 404) {
      return Failure(StagingLost(fmt::format("gs://{}/{}", bucket_, Path(name)),
                                 "the rows that it held are not loaded yet"));
    }
    return std::move(response.body);
  }

  Status Remove(const std::string& name, std::stop_token stop) override {
    return RemovePath(Path(name), std::move(stop));
  }

  Status RemoveOthers(const std::vector<std::string>& kept, std::stop_token stop) override {
    std::string page;
    do {
      BIZOND_ASSIGN_OR_RETURN(const nlohmann::json listed, List(page, 1000, stop));
      page = JsonText(listed, "nextPageToken");
      const auto items = listed.find("items");
      if (items == listed.end() || !items->is_array()) continue;
      for (const nlohmann::json& item : *items) {
        const std::string path = JsonText(item, "name");
        const bool keep = std::any_of(kept.begin(), kept.end(),
                                      [&](const std::string& name) { return Path(name) == path; });
        if (!keep) BIZOND_RETURN_IF_ERROR(RemovePath(path, stop));
      }
    } while (!page.empty());
    return {};
  }

  Result<BigQueryJob> Start(BigQueryApi* api, const std::string& id, nlohmann::json load,
                            const std::vector<std::string>& files, std::stop_token stop) override {
    for (const std::string& file : files) {
      load["sourceUris"].push_back(fmt::format("gs://{}/{}", bucket_, Path(file)));
    }
    return api->StartJob(id, {{"load", std::move(load)}}, std::move(stop));
  }

  size_t FilesPerJob() const override { return files_per_job_; }

  Status Check(std::stop_token stop) override {
    BIZOND_RETURN_IF_ERROR(List("", 1, std::move(stop)));
    return {};
  }

 private:
  std::string Prefix() const { return fmt::format("bizond/{}/", owner_); }
  std::string Path(const std::string& name) const { return Prefix() + name; }

  Status RemovePath(const std::string& path, std::stop_token stop) {
    GoogleCall call{.method = "DELETE",
                    .url = fmt::format("{}/storage/v1/b/{}/o/{}", endpoint_,
                                       EncodePathSegment(bucket_), EncodePathSegment(path))};
    call.answers = {404};
    BIZOND_RETURN_IF_ERROR(transport_->Send(call, std::move(stop)));
    return {};
  }

  Result<nlohmann::json> List(const std::string& page, int most, std::stop_token stop) {
    GoogleCall call{.url =
                        fmt::format("{}/storage/v1/b/{}/o?prefix={}&maxResults={}", endpoint_,
                                    EncodePathSegment(bucket_), EncodePathSegment(Prefix()), most)};
    if (!page.empty()) call.url += "&pageToken=" + EncodePathSegment(page);
    return transport_->SendForJson(call, std::move(stop));
  }

  GoogleTransport* const transport_;
  const std::string endpoint_;
  const std::string bucket_;
  const std::string owner_;
  const size_t files_per_job_;
};

}  // namespace

std::unique_ptr<LoadFiles> MakeBucketFiles(GoogleTransport* transport, std::string endpoint,
                                           std::string bucket, std::string owner,
                                           size_t files_per_job) {
  return std::make_unique<BucketFiles>(transport, std::move(endpoint), std::move(bucket),
                                       std::move(owner), files_per_job);
}

}  // namespace bizond
