// GzipBuffer: lines become one gzip file in memory, in pieces, so that a file that grows is never
// moved.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_GZIP_BUFFER_H_
#define BIZOND_DESTINATIONS_BIGQUERY_GZIP_BUFFER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bizond {

class GzipBuffer {
 public:
  GzipBuffer();
  ~GzipBuffer();
  GzipBuffer(const GzipBuffer&) = delete;
  GzipBuffer& operator=(const GzipBuffer&) = delete;

  void Write(std::string_view bytes);
  // Compressed so far; some more may be held back by zlib.
  size_t size() const { return size_; }
  // Ends the file and hands it out; the next Write begins another.
  std::vector<std::string> Finish();
  // Forgets what was written.
  void Clear();

 private:
  void Deflate(std::string_view bytes, int flush);

  struct Stream;
  std::unique_ptr<Stream> stream_;
  std::vector<std::string> pieces_;  // The last one has room behind its end.
  size_t size_ = 0;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_GZIP_BUFFER_H_
