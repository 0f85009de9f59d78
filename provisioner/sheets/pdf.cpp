#include <cairo-ft.h>
#include <cairo-pdf.h>
#include <ft2build.h>
#include <qrencode.h>
#include FT_FREETYPE_H

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "base/encoding.hpp"
#include "base/freed.hpp"
#include "sheets/sheet.hpp"
#include "sheets/texts.hpp"

namespace alphorn::sheets {
namespace {

// Points, from the top left corner of an A4 page.
constexpr double kPageWidth = 595;
constexpr double kPageHeight = 842;
constexpr double kLeft = 56;
constexpr double kRight = kPageWidth - 56;
constexpr double kTop = 64;
constexpr double kCodeSize = 128;
constexpr double kTextSize = 10;
constexpr double kLineHeight = 1.45;
constexpr double kGrey = 0.4;
constexpr double kRed = 0.14, kGreen = 0.33, kBlue = 0.52;
constexpr std::size_t kMostBytes = 128UL * 1024;

constexpr const char* kFonts = "/usr/share/fonts/truetype/dejavu/";

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

void check(cairo_status_t status) {
  if (status == CAIRO_STATUS_SUCCESS) return;
  throw std::runtime_error(std::string("the sheet cannot be drawn: ") +
                           cairo_status_to_string(status));
}

/// Faces out of files, without fontconfig: every machine draws the same page. They live as long as
/// the process, for cairo keeps what it has drawn with; it lets threads draw with them at a time.
struct Faces {
  Faces() {
    if (FT_Init_FreeType(&library) != 0) throw std::bad_alloc();
    plain = load("DejaVuSans.ttf");
    mono = load("DejaVuSansMono-Bold.ttf");
  }

  cairo_font_face_t* load(const std::string& file) const {
    const std::string path = kFonts + file;
    FT_Face face = nullptr;
    if (FT_New_Face(library, path.c_str(), 0, &face) != 0) {
      throw std::runtime_error(path + " cannot be read; install the package fonts-dejavu-core");
    }
    return cairo_ft_font_face_create_for_ft_face(face, 0);
  }

  FT_Library library = nullptr;
  cairo_font_face_t* plain = nullptr;
  cairo_font_face_t* mono = nullptr;
};

const Faces& faces() {
  static const Faces loaded;
  return loaded;
}

/// What Element's apps open, with the server and the name filled in. Source: Element X, "Mobile
/// account provider links" (account_provider, login_hint).
std::string code_text(const Sheet& sheet) {
  const std::string server = sheet.user_id.substr(sheet.user_id.find(':') + 1);
  return "https://mobile.element.io/element/?account_provider=" + percent_encode(server) +
         "&login_hint=" + percent_encode("mxid:" + sheet.user_id);
}

/// One page, from its top down.
class Page {
 public:
  Page()
      : surface_(cairo_pdf_surface_create_for_stream(append, &bytes_, kPageWidth, kPageHeight)),
        cairo_(cairo_create(surface_.get())) {
    bytes_.reserve(kMostBytes);  // growing would leave copies behind
    check(cairo_status(cairo_.get()));
  }

  double y() const { return y_; }
  void move_to(double y) { y_ = y; }
  void down(double by) { y_ += by; }

  void colour(double red, double green, double blue) {
    cairo_set_source_rgb(cairo_.get(), red, green, blue);
  }

  /// One line; smaller letters where it would not fit.
  void line(cairo_font_face_t* font, double size, const std::string& text, double left,
            double right) {
    while (size > 5 && width(font, size, text) > right - left) size -= 0.5;
    draw(font, size, text, left);
    y_ += size * kLineHeight;
  }

  /// As many lines as it takes, broken between words; a word longer than a line is broken within.
  void paragraph(cairo_font_face_t* font, double size, const std::string& text, double left,
                 double right) {
    std::string rest = text;
    while (!rest.empty()) {
      const std::size_t fits = fitting(font, size, rest, right - left);
      draw(font, size, rest.substr(0, fits), left);
      y_ += size * kLineHeight;
      rest.erase(0, fits);
      rest.erase(0, rest.find_first_not_of(' '));
    }
  }

  void rule() {
    colour(0.8, 0.8, 0.8);
    cairo_set_line_width(cairo_.get(), 0.6);
    cairo_move_to(cairo_.get(), kLeft, y_);
    cairo_line_to(cairo_.get(), kRight, y_);
    cairo_stroke(cairo_.get());
  }

  void box(double left, double top, double wide, double high) {
    cairo_rectangle(cairo_.get(), left, top, wide, high);
    cairo_fill(cairo_.get());
  }

  void code(const std::string& text, double left, double top) {
    const std::unique_ptr<QRcode, decltype(&QRcode_free)> code{
        QRcode_encodeString(text.c_str(), 0, QR_ECLEVEL_M, QR_MODE_8, 1), QRcode_free};
    if (!code) throw std::runtime_error("the code for the phone cannot be made");
    const double cell = kCodeSize / code->width;
    colour(0, 0, 0);
    for (int row = 0; row < code->width; ++row) {
      for (int column = 0; column < code->width; ++column) {
        if ((code->data[row * code->width + column] & 1U) == 0) continue;
        // A hair wider: viewers leave white lines between squares that only touch.
        cairo_rectangle(cairo_.get(), left + column * cell, top + row * cell, cell + 0.1,
                        cell + 0.1);
      }
    }
    cairo_fill(cairo_.get());
  }

  Secret bytes() {
    cairo_show_page(cairo_.get());
    check(cairo_status(cairo_.get()));
    cairo_surface_finish(surface_.get());
    check(cairo_surface_status(surface_.get()));
    return Secret(std::move(bytes_));
  }

 private:
  static cairo_status_t append(void* text, const unsigned char* data, unsigned int size) {
    static_cast<std::string*>(text)->append(reinterpret_cast<const char*>(data), size);
    return CAIRO_STATUS_SUCCESS;
  }

  double width(cairo_font_face_t* font, double size, const std::string& text) {
    cairo_set_font_face(cairo_.get(), font);
    cairo_set_font_size(cairo_.get(), size);
    cairo_text_extents_t extents;
    cairo_text_extents(cairo_.get(), text.c_str(), &extents);
    return extents.x_advance;
  }

  /// How many bytes of a text go on one line: up to a blank, or within a word, at least a letter.
  std::size_t fitting(cairo_font_face_t* font, double size, const std::string& text, double room) {
    std::size_t fits = 0;
    std::size_t end = 0;
    while (end < text.size()) {
      end = std::min(text.find(' ', end + 1), text.size());
      if (width(font, size, text.substr(0, end)) > room) break;
      fits = end;
    }
    if (fits > 0) return fits;
    do {
      fits = next_letter(text, fits);
    } while (fits < text.size() &&
             width(font, size, text.substr(0, next_letter(text, fits))) <= room);
    return fits;
  }

  static std::size_t next_letter(const std::string& text, std::size_t at) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) ++at;
    return at;
  }

  void draw(cairo_font_face_t* font, double size, const std::string& text, double left) {
    cairo_set_font_face(cairo_.get(), font);
    cairo_set_font_size(cairo_.get(), size);
    cairo_move_to(cairo_.get(), left, y_ + size);
    cairo_show_text(cairo_.get(), text.c_str());
  }

  std::string bytes_;
  std::unique_ptr<cairo_surface_t, Freed<cairo_surface_destroy>> surface_;
  std::unique_ptr<cairo_t, Freed<cairo_destroy>> cairo_;
  double y_ = kTop;
};

void credentials(Page& page, const Sheet& sheet, const Texts& texts) {
  const double right = kRight - kCodeSize - 24;
  const double top = page.y();
  const auto field = [&](const std::string& label, const std::string& value, double size) {
    page.colour(kGrey, kGrey, kGrey);
    page.line(faces().plain, 8, label, kLeft, right);
    page.colour(0, 0, 0);
    page.line(faces().mono, size, value, kLeft, right);
    page.down(5);
  };
  field(texts.address, sheet.user_id.substr(sheet.user_id.find(':') + 1), 12);
  field(texts.user_name, sheet.user_id, 12);
  if (!sheet.web_url.empty()) field(texts.web, sheet.web_url, 12);
  if (!sheet.password.empty()) {
    field(texts.password, sheet.password.reveal(), 16);
  } else {
    page.paragraph(faces().plain, kTextSize, texts.no_password, kLeft, right);
  }
  const double bottom = page.y();
  page.code(code_text(sheet), kRight - kCodeSize, top);
  page.move_to(top + kCodeSize + 6);
  page.colour(kGrey, kGrey, kGrey);
  page.paragraph(faces().plain, 7, texts.code, kRight - kCodeSize, kRight);
  page.move_to(std::max(bottom, page.y()) + 10);
}

}  // namespace

Secret pdf_of(const Sheet& sheet) {
  const Texts& texts = texts_in(sheet.language);
  const std::string company =
      sheet.company.empty() ? sheet.user_id.substr(sheet.user_id.find(':') + 1) : sheet.company;
  Page page;
  page.colour(kRed, kGreen, kBlue);
  page.box(0, 0, kPageWidth, 14);
  page.line(faces().plain, 20, replaced(texts.title, "{company}", company), kLeft, kRight);
  page.down(4);
  page.colour(0, 0, 0);
  page.paragraph(
      faces().plain, kTextSize,
      replaced(replaced(texts.greeting, "{company}", company), "{name}", sheet.display_name), kLeft,
      kRight);
  page.down(16);
  credentials(page, sheet, texts);
  const auto heading = [&](const std::string& text) {
    page.rule();
    page.down(14);
    page.colour(kRed, kGreen, kBlue);
    page.line(faces().plain, 13, text, kLeft, kRight);
    page.down(3);
    page.colour(0, 0, 0);
  };
  heading(texts.steps_title);
  for (std::size_t index = 0; index < texts.steps.size(); ++index) {
    const double y = page.y();
    page.line(faces().plain, kTextSize, std::to_string(index + 1), kLeft, kLeft + 16);
    page.move_to(y);
    page.paragraph(faces().plain, kTextSize, texts.steps[index], kLeft + 18, kRight);
    page.down(3);
  }
  page.down(8);
  heading(texts.keys_title);
  for (const std::string& paragraph : texts.keys) {
    page.paragraph(faces().plain, kTextSize, paragraph, kLeft, kRight);
    page.down(5);
  }
  page.down(8);
  page.colour(kGrey, kGrey, kGrey);
  page.paragraph(faces().plain, 8, texts.keep, kLeft, kRight);
  return page.bytes();
}

}  // namespace alphorn::sheets
