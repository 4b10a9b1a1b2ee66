#include "sync/job_document_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace bizond {
namespace {

constexpr std::string_view kMergeKey = "<<";

}  // namespace

bool DocumentBuilder::ExpectsKey() const {
  return !frames_.empty() && frames_.back().is_map && !frames_.back().has_key;
}

JobPath DocumentBuilder::CurrentPath() const {
  JobPath path;
  for (const Frame& frame : frames_) {
    if (frame.is_map && frame.has_key) path.push_back({frame.key});
    if (!frame.is_map) {
      path.push_back({.key = "", .index = static_cast<int>(frame.built.value.size())});
    }
  }
  return path;
}

void DocumentBuilder::Issue(Position at, std::string path, std::string message,
                            std::string remedy) {
  issues_->push_back({std::move(path), at.line, at.column, std::move(message), std::move(remedy)});
  // A hundred say it; finding the first of each of a million doubled keys would take minutes.
  constexpr size_t kIssues = 100;
  if (issues_->size() >= kIssues) throw DocumentRefused();
}

void DocumentBuilder::Refuse(Position at, std::string message, std::string remedy) {
  Issue(at, PathText(CurrentPath()), std::move(message), std::move(remedy));
  throw DocumentRefused();
}

void DocumentBuilder::Key(std::string_view text, Position at, bool plain) {
  if (text.find('\0') != text.npos) {
    Refuse(at, "a key holds a NUL character", "Remove it.");
  }
  Frame& frame = frames_.back();
  frame.has_key = true;
  frame.merge = plain && text == kMergeKey;
  frame.key = text;
  frame.key_at = at;
  frame.duplicate = frame.merge ? !frame.merges.empty() : frame.built.value.contains(frame.key);
  frame.built.bytes += text.size();
  if (!frame.duplicate) return;
  Position first = frame.merge_at;
  for (size_t i = 0; i < frame.built.marks.names.size(); ++i) {
    if (frame.built.marks.names[i] == text) first = frame.built.marks.children[i].key;
  }
  Issue(at, PathText(CurrentPath()),
        fmt::format("the key {} occurs twice: on line {} and on line {}", QuoteForMessage(text),
                    first.line, at.line),
        "Remove one of the two.");
}

void DocumentBuilder::Value(nlohmann::json value, size_t bytes, Position at, size_t anchor) {
  if (value.is_string() && value.get_ref<const std::string&>().find('\0') != std::string::npos) {
    Refuse(at, "a text holds a NUL character", "Remove it.");
  }
  Built built;
  built.value = std::move(value);
  built.marks.value = at;
  built.bytes = bytes;
  if (++values_ > DocumentLimits::kValues) {
    Refuse(at, fmt::format("more than {} values", DocumentLimits::kValues), "Split the job.");
  }
  Add(std::move(built), anchor);
}

void DocumentBuilder::StartMap(Position at, size_t anchor) { Start(true, at, anchor); }
void DocumentBuilder::StartList(Position at, size_t anchor) { Start(false, at, anchor); }

void DocumentBuilder::Start(bool is_map, Position at, size_t anchor) {
  if (ExpectsKey()) {
    Refuse(at, "a key must be a word, not a list or a mapping",
           "Put text that holds { or [ in quotes.");
  }
  if (frames_.size() >= DocumentLimits::kDepth) {
    Refuse(at, fmt::format("nested more than {} deep", DocumentLimits::kDepth), "Flatten it.");
  }
  if (++values_ > DocumentLimits::kValues) {
    Refuse(at, fmt::format("more than {} values", DocumentLimits::kValues), "Split the job.");
  }
  Frame frame;
  frame.is_map = is_map;
  frame.anchor = anchor;
  frame.built.value = is_map ? nlohmann::json::object() : nlohmann::json::array();
  frame.built.marks.value = at;
  frames_.push_back(std::move(frame));
}

void DocumentBuilder::End() {
  if (frames_.back().is_map) ApplyMerges(&frames_.back());
  Frame frame = std::move(frames_.back());
  frames_.pop_back();
  Add(std::move(frame.built), frame.anchor);
}

void DocumentBuilder::Alias(size_t anchor, Position at) {
  auto found = anchors_.find(anchor);
  if (found == anchors_.end()) {
    Refuse(at, "an alias refers to the value that it stands in", "Remove the alias.");
  }
  if (ExpectsKey()) {
    const nlohmann::json& key = found->second.value;
    if (!key.is_string()) Refuse(at, "an alias that is a key must be text", "Write the key out.");
    Key(key.get_ref<const std::string&>(), at, false);
    return;
  }
  // What a few lines of aliases of aliases expand to grows exponentially: it is counted before it
  // is copied.
  expanded_bytes_ += found->second.bytes + found->second.values;
  values_ += found->second.values;
  if (expanded_bytes_ > DocumentLimits::kExpandedBytes || values_ > DocumentLimits::kValues) {
    Refuse(at, "the aliases expand to more than 1 MiB or 100000 values", "Use fewer aliases.");
  }
  if (frames_.size() + found->second.height > DocumentLimits::kDepth) {
    Refuse(at, fmt::format("nested more than {} deep", DocumentLimits::kDepth), "Flatten it.");
  }
  Built copy = found->second;
  // The problems of a repeated value are told where it is repeated.
  copy.marks = MarkNode();
  copy.marks.value = at;
  Add(std::move(copy), 0);
}

void DocumentBuilder::Add(Built built, size_t anchor) {
  if (anchor != 0) anchors_[anchor] = built;
  if (frames_.empty()) {
    root_ = std::move(built);
    done_ = true;
    return;
  }
  Frame& frame = frames_.back();
  frame.built.bytes += built.bytes;
  frame.built.values += built.values;
  frame.built.height = std::max(frame.built.height, built.height + 1);
  if (frame.is_map) {
    AddToMap(&frame, std::move(built));
  } else {
    frame.built.value.push_back(std::move(built.value));
    frame.built.marks.children.push_back(std::move(built.marks));
  }
}

void DocumentBuilder::AddToMap(Frame* frame, Built built) {
  if (frame->merge && !frame->duplicate) {
    frame->merge_at = frame->key_at;
    frame->merges.push_back(std::move(built));
  } else if (!frame->duplicate) {
    built.marks.key = frame->key_at;
    frame->built.marks.names.push_back(frame->key);
    frame->built.marks.children.push_back(std::move(built.marks));
    frame->built.value[std::move(frame->key)] = std::move(built.value);
  }
  frame->has_key = false;
  frame->key.clear();
}

void DocumentBuilder::ApplyMerges(Frame* frame) {
  for (const Built& merge : frame->merges) {
    const nlohmann::json& from = merge.value;
    bool maps = from.is_object();
    if (from.is_array()) {
      maps =
          std::all_of(from.begin(), from.end(), [](const auto& item) { return item.is_object(); });
    }
    if (!maps) {
      Refuse(frame->merge_at, "the merge key << takes a mapping or a list of mappings",
             "Give it an alias of a mapping, as in <<: *defaults.");
    }
    if (from.is_object()) MergeInto(frame, from);
    if (from.is_array()) {
      for (const nlohmann::json& item : from) MergeInto(frame, item);
    }
  }
}

void DocumentBuilder::MergeInto(Frame* frame, const nlohmann::json& from) {
  for (const auto& [key, value] : from.items()) {
    if (frame->built.value.contains(key)) continue;  // The mapping's own keys come first.
    MarkNode mark;
    mark.key = frame->merge_at;
    mark.value = frame->merge_at;
    frame->built.marks.names.push_back(key);
    frame->built.marks.children.push_back(std::move(mark));
    frame->built.value[key] = value;
  }
}

}  // namespace bizond
