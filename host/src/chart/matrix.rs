//! A table of numbers as shaded cells: confusion matrices.

use super::{escape, rect, svg, text, text_width};

/// Cells are this high, in pixels.
const CELL_HEIGHT: f64 = 34.0;

/// One cell.
#[derive(Clone, Debug)]
pub struct Cell {
    /// How dark it is, 0 to 1.
    pub strength: f64,
    /// What stands in it.
    pub text: String,
    /// What is shown under the pointer.
    pub hover: String,
}

/// What to draw.
#[derive(Clone, Debug)]
pub struct Matrix<'a> {
    /// What the rows are.
    pub rows_title: &'a str,
    /// What the columns are.
    pub columns_title: &'a str,
    /// The rows' names.
    pub rows: Vec<String>,
    /// The columns' names.
    pub columns: Vec<String>,
    /// Row by row.
    pub cells: Vec<Vec<Cell>>,
    /// A cell's width in pixels.
    pub cell_width_px: f64,
}

/// Draws it.
pub fn draw(matrix: &Matrix<'_>) -> String {
    let names = matrix.rows.iter().map(|name| text_width(name)).fold(40.0, f64::max);
    let (left, top) = (names + 36.0, 46.0);
    let width = matrix.cell_width_px * matrix.columns.len() as f64;
    let height = CELL_HEIGHT * matrix.rows.len() as f64;
    let mut body = text((left + width / 2.0, 14.0), "title mid", matrix.columns_title);
    let turned = text((0.0, 0.0), "title mid", matrix.rows_title);
    body += &format!(
        "<g transform=\"translate(14 {:.1}) rotate(-90)\">{turned}</g>",
        top + height / 2.0
    );
    for (at, name) in matrix.columns.iter().enumerate() {
        let x = left + matrix.cell_width_px * (at as f64 + 0.5);
        body += &text((x, top - 9.0), "muted mid", name);
    }
    for (at, (name, cells)) in matrix.rows.iter().zip(&matrix.cells).enumerate() {
        let y = top + CELL_HEIGHT * at as f64;
        body += &text((left - 9.0, y + CELL_HEIGHT / 2.0 + 4.0), "muted end", name);
        for (column, cell) in cells.iter().enumerate() {
            let x = left + matrix.cell_width_px * column as f64;
            body += &draw_cell((x, y), matrix.cell_width_px, cell);
        }
    }
    let alt = format!("{} by {}", matrix.rows_title, matrix.columns_title);
    svg((left + width + 8.0, top + height + 8.0), &alt, &body)
}

fn draw_cell((x, y): (f64, f64), width: f64, cell: &Cell) -> String {
    let strength = if cell.strength.is_finite() { cell.strength.clamp(0.0, 1.0) } else { 0.0 };
    let ground = rect((x + 1.0, y + 1.0), (width - 2.0, CELL_HEIGHT - 2.0), "cell empty");
    let shade = rect((x + 1.0, y + 1.0), (width - 2.0, CELL_HEIGHT - 2.0), "cell");
    let class = if strength > 0.55 { "mid on" } else { "mid" };
    let words = text((x + width / 2.0, y + CELL_HEIGHT / 2.0 + 4.0), class, &cell.text);
    format!(
        "<g>{ground}<g opacity=\"{strength:.3}\">{shade}</g>{words}<title>{}</title></g>",
        escape(&cell.hover)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_shows_its_text_and_is_as_dark_as_it_is_strong() {
        let cell =
            |strength, text: &str| Cell { strength, text: text.to_owned(), hover: String::new() };
        let drawing = draw(&Matrix {
            rows_title: "labelled",
            columns_title: "predicted",
            rows: vec!["a".to_owned(), "b".to_owned()],
            columns: vec!["a".to_owned(), "b".to_owned()],
            cells: vec![vec![cell(0.9, "90"), cell(0.1, "10")], vec![cell(f64::NAN, "–")]],
            cell_width_px: 60.0,
        });
        assert!(drawing.contains("opacity=\"0.900\"") && drawing.contains("mid on\">90<"));
        assert!(drawing.contains("opacity=\"0.100\"") && drawing.contains("mid\">10<"));
        assert!(!drawing.contains("NaN"), "{drawing}");
    }
}
