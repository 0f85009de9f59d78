#include <hpdf.h>
#include <qrencode.h>

#include <array>
#include <memory>
#include <stdexcept>

#include "base/encoding.hpp"
#include "sheets/sheet.hpp"
#include "sheets/texts.hpp"

namespace alphorn::sheets {
namespace {

// Points. A4 is 595 x 842.
constexpr float kLeft = 56;
constexpr float kRight = 595 - 56;
constexpr float kTop = 842 - 64;
constexpr float kCodeSize = 128;
constexpr float kTextSize = 10;
constexpr float kLineHeight = 1.45F;
constexpr float kGrey = 0.4F;
constexpr float kRed = 0.14F, kGreen = 0.33F, kBlue = 0.52F;

constexpr const char* kFonts = "/usr/share/fonts/truetype/dejavu/";

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

[[noreturn]] void fail(HPDF_STATUS code, HPDF_STATUS, void*) {
  throw std::runtime_error("the sheet cannot be drawn: libharu's error " + std::to_string(code));
}

/// What Element's apps open, with the server and the name filled in. Source: Element X, "Mobile
/// account provider links" (account_provider, login_hint).
std::string code_text(const Sheet& sheet) {
  const std::string server = sheet.user_id.substr(sheet.user_id.find(':') + 1);
  return "https://mobile.element.io/element/?account_provider=" + percent_encode(server) +
         "&login_hint=" + percent_encode("mxid:" + sheet.user_id);
}

class Page {
 public:
  Page() : pdf_(HPDF_New(fail, nullptr)) {
    if (!pdf_) throw std::bad_alloc();
    HPDF_UseUTFEncodings(pdf_.get());
    HPDF_SetCompressionMode(pdf_.get(), HPDF_COMP_ALL);
    // Two faces: each costs 10 ms and 75 KB a page.
    plain_ = font("DejaVuSans.ttf");
    mono_ = font("DejaVuSansMono-Bold.ttf");
    page_ = HPDF_AddPage(pdf_.get());
    HPDF_Page_SetSize(page_, HPDF_PAGE_SIZE_A4, HPDF_PAGE_PORTRAIT);
    y_ = kTop;
  }

  HPDF_Font plain() const { return plain_; }
  HPDF_Font mono() const { return mono_; }
  float y() const { return y_; }
  void move_to(float y) { y_ = y; }
  void down(float by) { y_ -= by; }

  void colour(float red, float green, float blue) { HPDF_Page_SetRGBFill(page_, red, green, blue); }

  /// One line; smaller letters where it would not fit.
  void line(HPDF_Font font, float size, const std::string& text, float left, float right) {
    while (size > 5 && width(font, size, text) > right - left) size -= 0.5F;
    draw(font, size, text, left);
    y_ -= size * kLineHeight;
  }

  /// As many lines as it takes, broken between words; a word longer than a line is broken within.
  void paragraph(HPDF_Font font, float size, const std::string& text, float left, float right) {
    std::string rest = text;
    while (!rest.empty()) {
      HPDF_Page_SetFontAndSize(page_, font, size);
      std::size_t fits =
          HPDF_Page_MeasureText(page_, rest.c_str(), right - left, HPDF_TRUE, nullptr);
      if (fits == 0)
        fits = HPDF_Page_MeasureText(page_, rest.c_str(), right - left, HPDF_FALSE, nullptr);
      if (fits == 0) fits = rest.size();
      draw(font, size, rest.substr(0, fits), left);
      y_ -= size * kLineHeight;
      rest.erase(0, fits);
      rest.erase(0, rest.find_first_not_of(' '));
    }
  }

  void rule() {
    HPDF_Page_SetRGBStroke(page_, 0.8F, 0.8F, 0.8F);
    HPDF_Page_SetLineWidth(page_, 0.6F);
    HPDF_Page_MoveTo(page_, kLeft, y_);
    HPDF_Page_LineTo(page_, kRight, y_);
    HPDF_Page_Stroke(page_);
  }

  void box(float left, float bottom, float wide, float high) {
    HPDF_Page_Rectangle(page_, left, bottom, wide, high);
    HPDF_Page_Fill(page_);
  }

  void code(const std::string& text, float left, float top) {
    const std::unique_ptr<QRcode, decltype(&QRcode_free)> code{
        QRcode_encodeString(text.c_str(), 0, QR_ECLEVEL_M, QR_MODE_8, 1), QRcode_free};
    if (!code) throw std::runtime_error("the code for the phone cannot be made");
    const float cell = kCodeSize / static_cast<float>(code->width);
    colour(0, 0, 0);
    for (int row = 0; row < code->width; ++row) {
      for (int column = 0; column < code->width; ++column) {
        if ((code->data[row * code->width + column] & 1U) == 0) continue;
        // A hair wider: viewers leave white lines between squares that only touch.
        HPDF_Page_Rectangle(page_, left + static_cast<float>(column) * cell,
                            top - static_cast<float>(row + 1) * cell, cell + 0.1F, cell + 0.1F);
      }
    }
    HPDF_Page_Fill(page_);
  }

  Secret bytes() {
    HPDF_SaveToStream(pdf_.get());
    std::string text(HPDF_GetStreamSize(pdf_.get()), '\0');
    auto size = static_cast<HPDF_UINT32>(text.size());
    HPDF_ReadFromStream(pdf_.get(), reinterpret_cast<HPDF_BYTE*>(text.data()), &size);
    text.resize(size);
    return Secret(std::move(text));
  }

 private:
  HPDF_Font font(const std::string& file) {
    const std::string path = kFonts + file;
    try {
      const char* name = HPDF_LoadTTFontFromFile(pdf_.get(), path.c_str(), HPDF_TRUE);
      return HPDF_GetFont(pdf_.get(), name, "UTF-8");
    } catch (const std::runtime_error&) {
      throw std::runtime_error(path + " cannot be read; install the package fonts-dejavu-core");
    }
  }

  float width(HPDF_Font font, float size, const std::string& text) {
    HPDF_Page_SetFontAndSize(page_, font, size);
    return HPDF_Page_TextWidth(page_, text.c_str());
  }

  void draw(HPDF_Font font, float size, const std::string& text, float left) {
    HPDF_Page_BeginText(page_);
    HPDF_Page_SetFontAndSize(page_, font, size);
    HPDF_Page_TextOut(page_, left, y_ - size, text.c_str());
    HPDF_Page_EndText(page_);
  }

  struct Free {
    void operator()(HPDF_Doc doc) const { HPDF_Free(doc); }
  };
  std::unique_ptr<std::remove_pointer_t<HPDF_Doc>, Free> pdf_;
  HPDF_Page page_ = nullptr;
  HPDF_Font plain_ = nullptr;
  HPDF_Font mono_ = nullptr;
  float y_ = 0;
};

void credentials(Page& page, const Sheet& sheet, const Texts& texts) {
  const float right = kRight - kCodeSize - 24;
  const float top = page.y();
  const auto field = [&](const std::string& label, const std::string& value, float size) {
    page.colour(kGrey, kGrey, kGrey);
    page.line(page.plain(), 8, label, kLeft, right);
    page.colour(0, 0, 0);
    page.line(page.mono(), size, value, kLeft, right);
    page.down(5);
  };
  field(texts.address, sheet.user_id.substr(sheet.user_id.find(':') + 1), 12);
  field(texts.user_name, sheet.user_id, 12);
  if (!sheet.web_url.empty()) field(texts.web, sheet.web_url, 12);
  if (!sheet.password.empty()) {
    field(texts.password, sheet.password.reveal(), 16);
  } else {
    page.paragraph(page.plain(), kTextSize, texts.no_password, kLeft, right);
  }
  const float bottom = page.y();
  page.code(code_text(sheet), kRight - kCodeSize, top);
  page.move_to(top - kCodeSize - 6);
  page.colour(kGrey, kGrey, kGrey);
  page.paragraph(page.plain(), 7, texts.code, kRight - kCodeSize, kRight);
  page.move_to(std::min(bottom, page.y()) - 10);
}

}  // namespace

Secret pdf_of(const Sheet& sheet) {
  const Texts& texts = texts_in(sheet.language);
  const std::string company =
      sheet.company.empty() ? sheet.user_id.substr(sheet.user_id.find(':') + 1) : sheet.company;
  Page page;
  page.colour(kRed, kGreen, kBlue);
  page.box(0, 842 - 14, 595, 14);
  page.line(page.plain(), 20, replaced(texts.title, "{company}", company), kLeft, kRight);
  page.down(4);
  page.colour(0, 0, 0);
  page.paragraph(
      page.plain(), kTextSize,
      replaced(replaced(texts.greeting, "{company}", company), "{name}", sheet.display_name), kLeft,
      kRight);
  page.down(16);
  credentials(page, sheet, texts);
  const auto heading = [&](const std::string& text) {
    page.rule();
    page.down(14);
    page.colour(kRed, kGreen, kBlue);
    page.line(page.plain(), 13, text, kLeft, kRight);
    page.down(3);
    page.colour(0, 0, 0);
  };
  heading(texts.steps_title);
  for (std::size_t index = 0; index < texts.steps.size(); ++index) {
    const float y = page.y();
    page.line(page.plain(), kTextSize, std::to_string(index + 1), kLeft, kLeft + 16);
    page.move_to(y);
    page.paragraph(page.plain(), kTextSize, texts.steps[index], kLeft + 18, kRight);
    page.down(3);
  }
  page.down(8);
  heading(texts.keys_title);
  for (const std::string& paragraph : texts.keys) {
    page.paragraph(page.plain(), kTextSize, paragraph, kLeft, kRight);
    page.down(5);
  }
  page.down(8);
  page.colour(kGrey, kGrey, kGrey);
  page.paragraph(page.plain(), 8, texts.keep, kLeft, kRight);
  return page.bytes();
}

}  // namespace alphorn::sheets
