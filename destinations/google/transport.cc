#include "destinations/google/transport.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "destinations/google/google_error.h"

namespace bizond {
namespace {

constexpr Duration kFirstRest = std::chrono::seconds(1);
constexpr int kDoublingsMax = 5;  // 32 s.
constexpr Duration kServiceRestMax = std::chrono::minutes(2);

// A Retry-After in seconds; 0: there is none.
Duration ServiceRest(const HttpResponse& response) {
  const std::string text = HeaderOf(response, "retry-after");
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0) return Duration(0);
  return std::min<Duration>(std::chrono::seconds(std::min<int64_t>(seconds, 3600)),
                            kServiceRestMax);
}

// "https://host:port" of a URL, without its path.
std::string_view Origin(std::string_view url) {
  const size_t host = url.find("://");
  if (host == std::string_view::npos) return "";
  return url.substr(0, url.find_first_of("/?#", host + 3));
}

// What of the URL may be shown: its path, without a session's secret.
std::string Shown(const GoogleCall& call) {
  return fmt::format("{} {}", call.method, call.url.substr(0, call.url.find('?')));
}

}  // namespace

std::string HeaderOf(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

std::string JsonText(const nlohmann::json& object, const char* key) {
  if (!object.is_object()) return "";
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

int64_t JsonInt(const nlohmann::json& object, const char* key) {
  if (!object.is_object()) return 0;
  const auto found = object.find(key);
  if (found == object.end()) return 0;
  if (found->is_number_integer()) return found->get<int64_t>();
  if (!found->is_string()) return 0;
  const auto& text = found->get_ref<const std::string&>();
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

nlohmann::json JsonObject(const nlohmann::json& object, const char* key) {
  if (object.is_object()) {
    const auto found = object.find(key);
    if (found != object.end() && found->is_object()) return *found;
  }
  return nlohmann::json::object();
}

Error BadAnswer(std::string_view what, std::string_view why) {
  return {.kind = ErrorKind::kTransient,
          .code = "bigquery_bad_answer",
          .message = fmt::format("{}: {}", what, ServiceText(why)),
          .remedy = "check that nothing stands between here and Google that answers in its place"};
}

GoogleTransport::GoogleTransport(std::shared_ptr<GoogleTokenSource> token, Clock* clock)
    : token_(std::move(token)),
      clock_(clock),
      random_(static_cast<uint32_t>(clock->Steady().count() ^ reinterpret_cast<uintptr_t>(this))) {}

Status GoogleTransport::Backoff(int attempt, std::stop_token stop) {
  const auto full = kFirstRest * (1 << std::min(attempt, kDoublingsMax));
  const auto spared = std::uniform_int_distribution<int64_t>(0, full.count() / 2)(random_);
  if (!clock_->SleepFor(full - Duration(spared), std::move(stop))) {
    return Failure(StoppedError("waiting to ask Google again"));
  }
  return {};
}

Status GoogleTransport::CheckSession(const std::string& session,
                                     const std::string& endpoint) const {
  const std::string_view origin = Origin(session);
  const bool own = !origin.empty() && origin == Origin(endpoint);
  const bool google = origin.starts_with("https://") && origin.ends_with(".googleapis.com") &&
                      origin.find('@') == std::string_view::npos;
  if (own || google) return {};
  return Failure(BadAnswer("an upload", fmt::format("its session lies at '{}'", origin)));
}

Result<HttpResponse> GoogleTransport::SendOnce(const GoogleCall& call, std::string* token,
                                               std::stop_token stop) {
  HttpRequest request;
  request.method = call.method;
  request.url = call.url;
  request.headers = call.headers;
  request.timeout = call.timeout;
  request.max_response_bytes = call.max_response_bytes;
  if (token_ != nullptr) {
    BIZOND_ASSIGN_OR_RETURN(*token, token_->AccessToken(stop));
    request.headers.emplace_back("Authorization", "Bearer " + *token);
  }
  if (!call.body.empty()) {
    request.body_view = call.body;
    request.headers.emplace_back("Content-Type", call.content_type);
  }
  return http_.Send(request, stop);
}

Result<HttpResponse> GoogleTransport::Send(const GoogleCall& call, std::stop_token stop) {
  const Duration begun = clock_->Steady();
  bool renewed = false;
  for (int attempt = 0;; ++attempt) {
    std::string token;
    Duration rest(0);
    std::optional<Error> error;
    Result<HttpResponse> response = SendOnce(call, &token, stop);
    if (!response) {
      error = response.error();
      if (error->kind != ErrorKind::kTransient) return Failure(*error);
    } else {
      const int status = response->status;
      const bool answer =
          std::find(call.answers.begin(), call.answers.end(), status) != call.answers.end();
      if (status / 100 == 2 || answer) return response;
      const GoogleRefusal refusal = ParseRefusal(*response);
      error = GoogleError(refusal, Shown(call));
      if (status == 401 && token_ != nullptr && !renewed) {
        token_->Invalidate(token);
        renewed = true;
        continue;
      }
      if (!MayRetry(refusal)) return Failure(*error);
      rest = ServiceRest(*response);
    }
    if (clock_->Steady() - begun >= call.retry_for) return Failure(*error);
    BIZOND_RETURN_IF_ERROR(Backoff(attempt, stop));
    if (rest.count() > 0 && !clock_->SleepFor(rest, stop)) {
      return Failure(StoppedError(Shown(call)));
    }
  }
}

Result<nlohmann::json> GoogleTransport::SendForJson(const GoogleCall& call, std::stop_token stop) {
  BIZOND_ASSIGN_OR_RETURN(const HttpResponse response, Send(call, std::move(stop)));
  if (response.body.empty()) return nlohmann::json::object();
  auto answer = nlohmann::json::parse(response.body, nullptr, false);
  if (!answer.is_object()) {
    return Failure(BadAnswer(Shown(call), "the answer is no JSON object: " + response.body));
  }
  return answer;
}

}  // namespace bizond
