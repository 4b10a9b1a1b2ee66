#include "sources/file/file_position.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>

#include "base/identity.h"
#include "sources/file/file_change.h"
#include "sync/start_over.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr int kPositionFormat = 1;
constexpr uint64_t kHashedBytes = 4096;
// Files that went away are remembered, in case they come back; the oldest are forgotten first.
constexpr size_t kGoneMax = 1000;

FileMark DecodeMark(const json& row) {
  return {row.at("path").get<std::string>(),        row.at("inode").get<uint64_t>(),
          row.at("offset").get<uint64_t>(),         row.at("line").get<uint64_t>(),
          row.value("unread", uint64_t{0}),         row.value("compressed", false),
          row.value("decoded", uint64_t{0}),        row.at("prefix_bytes").get<uint64_t>(),
          row.at("prefix_hash").get<std::string>(), row.at("tail_hash").get<std::string>()};
}

Result<std::string> HashOf(const File& file, uint64_t from, uint64_t size) {
  std::string bytes(static_cast<size_t>(std::min(size, kHashedBytes)), '\0');
  BIZOND_ASSIGN_OR_RETURN(const size_t got, file.ReadAt(bytes.data(), bytes.size(), from));
  return HexOf(HashBytes(std::string_view(bytes).substr(0, got)));
}

Result<std::string> TailHash(const File& file, uint64_t offset) {
  const uint64_t size = std::min(offset, kHashedBytes);
  return HashOf(file, offset - size, size);
}

// Whether the file's bytes before the mark are those that were read.
Result<bool> BytesMatch(const File& file, const FileMark& mark) {
  BIZOND_ASSIGN_OR_RETURN(const std::string prefix, HashOf(file, 0, mark.prefix_bytes));
  BIZOND_ASSIGN_OR_RETURN(const std::string tail, TailHash(file, mark.offset));
  return prefix == mark.prefix_hash && tail == mark.tail_hash;
}

// One file of the list against the mark that may be its own.
class Recognizer {
 public:
  Recognizer(const FileList& list, const FilePosition& position, bool trust_sizes)
      : list_(list), trust_sizes_(trust_sizes) {
    for (const auto* marks : {&position.gone, &position.files}) {
      for (const FileMark& mark : *marks) {
        by_inode_[mark.inode] = &mark;
        by_name_[mark.name] = &mark;
      }
    }
    for (const ListedFile& file : list.files) inodes_.insert(file.info.inode);
  }

  Result<KnownFile> Recognize(const ListedFile& listed) {
    if (const auto found = by_inode_.find(listed.info.inode); found != by_inode_.end()) {
      BIZOND_ASSIGN_OR_RETURN(const bool same, IsSame(listed, *found->second));
      if (same) {
        return Known(listed, *found->second);
      }
      // Under another name it is a new file, to which the system gave the old one's inode.
    }
    const auto named = by_name_.find(listed.name);
    // Nothing was read of it, or it lives on under another name of the glob.
    if (named == by_name_.end() || named->second->offset == 0 ||
        inodes_.contains(named->second->inode)) {
      return New(listed);
    }
    if (named->second->compressed) {
      BIZOND_ASSIGN_OR_RETURN(const File file, list_.root.OpenFile(listed.name, OpenMode::kRead));
      BIZOND_ASSIGN_OR_RETURN(const bool same, BytesMatch(file, *named->second));
      if (!same || listed.info.size_bytes != named->second->offset) {
        return CompressedFileChanged(file.path());
      }
      return Known(listed, *named->second);
    }
    return FileRotated((list_.root.path() / listed.name).string(), named->second->inode,
                       listed.info.inode);
  }

 private:
  static KnownFile New(const ListedFile& listed) { return Known(listed, FileMark()); }
  static KnownFile Known(const ListedFile& listed, const FileMark& mark) {
    KnownFile known{listed, mark};
    known.mark.name = listed.name;
    known.mark.inode = listed.info.inode;
    return known;
  }

  // The inode is the mark's. False: another file, under another name, that got its inode.
  Result<bool> IsSame(const ListedFile& listed, const FileMark& mark) {
    const uint64_t size = listed.info.size_bytes;
    const bool same_name = listed.name == mark.name;
    if (trust_sizes_ && same_name && size == mark.offset + mark.unread) return true;
    if (size < mark.offset && !mark.compressed) {
      if (!same_name) return false;
      return FileTruncated((list_.root.path() / listed.name).string(), size, mark.offset);
    }
    BIZOND_ASSIGN_OR_RETURN(const File file, list_.root.OpenFile(listed.name, OpenMode::kRead));
    BIZOND_ASSIGN_OR_RETURN(bool same, BytesMatch(file, mark));
    if (mark.compressed) same = same && size == mark.offset;
    if (same || !same_name) return same;
    if (mark.compressed) return CompressedFileChanged(file.path());
    return FileRewritten(file.path(), mark.offset);
  }

  const FileList& list_;
  const bool trust_sizes_;
  std::unordered_map<uint64_t, const FileMark*> by_inode_;
  std::unordered_map<std::string_view, const FileMark*> by_name_;
  std::set<uint64_t> inodes_;
};

}  // namespace

std::string EncodeMark(const FileMark& mark) {
  json row = {{"path", mark.name},
              {"inode", mark.inode},
              {"offset", mark.offset},
              {"line", mark.line},
              {"prefix_bytes", mark.prefix_bytes},
              {"prefix_hash", mark.prefix_hash},
              {"tail_hash", mark.tail_hash}};
  if (mark.unread > 0) row["unread"] = mark.unread;
  if (mark.compressed) row["compressed"] = true;
  if (mark.decoded > 0) row["decoded"] = mark.decoded;
  return row.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string EncodePosition(const std::vector<std::string>& files, const std::vector<FileMark>& gone,
                           std::string_view after) {
  std::string text = fmt::format(R"({{"format":{},"files":[)", kPositionFormat);
  const auto add = [&](std::string_view mark) {
    if (mark.empty()) return;
    if (text.back() != '[') text += ',';
    text += mark;
  };
  for (const std::string& mark : files) add(mark);
  text += ']';
  if (!gone.empty()) {
    text += R"(,"gone":[)";
    for (const FileMark& mark : gone) add(EncodeMark(mark));
    text += ']';
  }
  if (!after.empty()) {
    text += R"(,"after":)";
    text += json(after).dump(-1, ' ', false, json::error_handler_t::replace);
  }
  return text + '}';
}

Result<FilePosition> DecodePosition(std::string_view text) {
  FilePosition position;
  if (text.empty()) return position;
  try {
    const json parsed = json::parse(text);
    if (parsed.at("format").get<int>() != kPositionFormat) throw std::out_of_range("format");
    for (const json& row : parsed.at("files")) position.files.push_back(DecodeMark(row));
    for (const json& row : parsed.value("gone", json::array())) {
      position.gone.push_back(DecodeMark(row));
    }
    position.after = parsed.value("after", "");
  } catch (const std::exception& problem) {
    return Fail(ErrorKind::kPermanent, "bad_watermark",
                fmt::format("the position in the source files cannot be read: {}", problem.what()),
                std::string(kStartOver));
  }
  return position;
}

Result<FileMark> MarkFile(const File& file, FileMark mark) {
  mark.prefix_bytes = std::min(mark.offset, kHashedBytes);
  BIZOND_ASSIGN_OR_RETURN(mark.prefix_hash, HashOf(file, 0, mark.prefix_bytes));
  BIZOND_ASSIGN_OR_RETURN(mark.tail_hash, TailHash(file, mark.offset));
  return mark;
}

Result<KnownFiles> RecognizeFiles(const FileList& list, const FilePosition& position,
                                  bool trust_sizes) {
  Recognizer recognizer(list, position, trust_sizes);
  KnownFiles known;
  std::set<uint64_t> seen;
  std::set<std::string_view> compressed;
  for (const ListedFile& listed : list.files) {
    // A second name (a hard link) of a file is not read again.
    if (!seen.insert(listed.info.inode).second) continue;
    BIZOND_ASSIGN_OR_RETURN(KnownFile file, recognizer.Recognize(listed));
    if (file.mark.compressed) compressed.insert(listed.name);
    known.files.push_back(std::move(file));
  }
  for (const auto* marks : {&position.gone, &position.files}) {
    for (const FileMark& mark : *marks) {
      const bool here =
          seen.contains(mark.inode) || (mark.compressed && compressed.contains(mark.name));
      if (here || mark.offset == 0) continue;
      if (mark.unread > 0) {
        return FileGone((list.root.path() / mark.name).string(), mark.unread);
      }
      known.gone.push_back(mark);
    }
  }
  if (known.gone.size() > kGoneMax) {
    known.gone.erase(known.gone.begin(), known.gone.end() - kGoneMax);
  }
  return known;
}

}  // namespace bizond
