#include "destinations/google/resumable_upload.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "destinations/google/google_error.h"

namespace bizond {
namespace {

constexpr size_t kUnit = 256 << 10;
constexpr size_t kChunk = 32 * kUnit;  // 8 MiB
constexpr Duration kChunkTimeout = std::chrono::minutes(5);
constexpr int kCutsMax = 10;  // One after another, without a byte in between.

// How much arrived: "bytes=0-524287" is 524288, no header is nothing. nullopt: it makes no sense.
std::optional<size_t> Arrived(const HttpResponse& response, size_t size) {
  const std::string range = HeaderOf(response, "range");
  if (range.empty()) return 0;
  constexpr std::string_view kFirst = "bytes=0-";
  if (!range.starts_with(kFirst)) return std::nullopt;
  size_t last = 0;
  const char* const end = range.data() + range.size();
  const auto [stopped, error] = std::from_chars(range.data() + kFirst.size(), end, last);
  if (error != std::errc() || stopped != end || last >= size) return std::nullopt;
  return last + 1;
}

class Session {
 public:
  Session(GoogleTransport* transport, const UploadTarget& target, const UploadSource& data,
          std::stop_token stop)
      : transport_(transport), target_(target), data_(data), stop_(std::move(stop)) {}

  Result<std::optional<HttpResponse>> Run() {
    BIZOND_ASSIGN_OR_RETURN(const HttpResponse begun, Begin());
    if (begun.status == 409) return std::optional(begun);
    url_ = HeaderOf(begun, "location");
    BIZOND_RETURN_IF_ERROR(transport_->CheckSession(url_, target_.endpoint));
    while (true) {
      BIZOND_ASSIGN_OR_RETURN(const HttpResponse response, Next());
      if (response.status == 404 || response.status == 410) return std::nullopt;
      if (response.status != 308) return std::optional(response);
      const std::optional<size_t> arrived = Arrived(response, data_.size);
      if (!arrived || *arrived < offset_) {
        return Failure(BadAnswer("an upload", "its range is '" + HeaderOf(response, "range") +
                                                  "' after " + std::to_string(offset_) + " bytes"));
      }
      if (*arrived > offset_) cuts_ = 0;
      offset_ = *arrived;
      asks_ = false;
    }
  }

 private:
  Result<HttpResponse> Begin() {
    GoogleCall call{.method = "POST", .url = target_.url, .body = target_.metadata};
    call.headers = {{"X-Upload-Content-Type", target_.content_type},
                    {"X-Upload-Content-Length", std::to_string(data_.size)}};
    call.answers = {409};
    return transport_->Send(call, stop_);
  }

  // Sends the next chunk, or after a cut asks how far the last one came.
  Result<HttpResponse> Next() {
    while (true) {
      GoogleCall call = Question();
      if (!asks_) {
        BIZOND_ASSIGN_OR_RETURN(call, Chunk());
      }
      Result<HttpResponse> response = transport_->Send(call, stop_);
      if (response) {
        // A chunk that left nothing behind is a cut, too.
        if (response->status == 308 && !asks_ && Arrived(*response, data_.size) == offset_) {
          BIZOND_RETURN_IF_ERROR(Rest(BadAnswer("an upload", "no byte of a chunk arrived")));
        }
        return response;
      }
      if (response.error().kind != ErrorKind::kTransient || response.error().retry_after) {
        return response;
      }
      BIZOND_RETURN_IF_ERROR(Rest(response.error()));
      asks_ = true;
    }
  }

  Status Rest(const Error& why) {
    if (++cuts_ > kCutsMax) return Failure(why);
    return transport_->Backoff(cuts_ - 1, stop_);
  }

  GoogleCall Put() const {
    GoogleCall call{.method = "PUT", .url = url_, .content_type = target_.content_type};
    call.answers = {308, 404, 409, 410};
    call.timeout = kChunkTimeout;
    call.retry_for = Duration(0);  // Not again before the session was asked.
    return call;
  }

  Result<GoogleCall> Chunk() const {
    GoogleCall call = Put();
    BIZOND_ASSIGN_OR_RETURN(call.body, data_.read(offset_, std::min(kChunk, data_.size - offset_)));
    call.headers = {{"Content-Range", fmt::format("bytes {}-{}/{}", offset_,
                                                  offset_ + call.body.size() - 1, data_.size)}};
    return call;
  }

  GoogleCall Question() const {
    GoogleCall call = Put();
    call.headers = {{"Content-Range", fmt::format("bytes */{}", data_.size)}};
    return call;
  }

  GoogleTransport* const transport_;
  const UploadTarget& target_;
  const UploadSource& data_;
  const std::stop_token stop_;
  std::string url_;
  size_t offset_ = 0;
  bool asks_ = false;
  int cuts_ = 0;
};

}  // namespace

UploadSource UploadOf(std::string_view text) {
  return {.size = text.size(), .read = [text](size_t offset, size_t bytes) -> Result<std::string> {
            return std::string(text.substr(offset, bytes));
          }};
}

Result<std::optional<HttpResponse>> UploadInSession(GoogleTransport* transport,
                                                    const UploadTarget& target,
                                                    const UploadSource& data,
                                                    std::stop_token stop) {
  return Session(transport, target, data, std::move(stop)).Run();
}

}  // namespace bizond
