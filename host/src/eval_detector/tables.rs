//! The tables of the report: figures by set, overlap, size, turn and brightness, a column for each detector.

use models::geometry::Rect;
use serde::Serialize;

use super::answers::Column;
use super::matching::{landmark_error, matches};
use super::truth::{Change, Picture, TrueFace};
use super::variants::{LIGHTS, MIDDLE, SIZES, TURNS};
use crate::metrics::figure::{self, Figure};

/// From this overlap on (IoU) a box is the face, wherever no other is named.
pub(crate) const IOU_MAIN: f32 = 0.4;
const IOUS: [f32; 5] = [0.3, 0.4, 0.5, 0.6, 0.7];
/// Edges between groups: of √area in pixels, of degrees, of brightness.
const SIZE_EDGES: [f32; 8] = [8.0, 16.0, 24.0, 32.0, 48.0, 64.0, 96.0, 160.0];
const TURN_EDGES: [f32; 4] = [5.0, 10.0, 20.0, 35.0];
const LUMA_EDGES: [f32; 5] = [32.0, 64.0, 96.0, 128.0, 160.0];

/// One table.
#[derive(Debug, Serialize)]
pub(super) struct Table {
    pub(super) title: String,
    pub(super) rows: Vec<Row>,
}

/// One line of it.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    /// Faces or pictures that it is about; `None` where that differs by detector.
    pub(super) count: Option<usize>,
    /// A figure for each detector; `None` where there is nothing to count.
    pub(super) cells: Vec<Option<Figure>>,
}

/// What the tables are made from.
#[derive(Clone, Copy)]
pub(super) struct Data<'a> {
    pub(super) pictures: &'a [Picture],
    pub(super) columns: &'a [Column],
}

/// All tables that the pictures allow.
pub(super) fn all(data: Data<'_>) -> Vec<Table> {
    let tables =
        [vec![summary(data)], by_overlap(data), changed(data), natural(data), by_input(data)];
    let mut tables: Vec<Table> = tables.into_iter().flatten().collect();
    tables.iter_mut().for_each(|table| table.rows.retain(|row| row.count != Some(0)));
    tables.retain(|table| table.rows.iter().any(|row| row.cells.iter().any(Option::is_some)));
    tables
}

/// The names of the sets, in order of their first picture.
pub(super) fn sets(pictures: &[Picture]) -> Vec<&str> {
    let mut names: Vec<&str> = vec![];
    for picture in pictures {
        if !names.contains(&picture.set.as_str()) {
            names.push(&picture.set);
        }
    }
    names
}

fn summary(data: Data<'_>) -> Table {
    let mut rows = vec![];
    for set in sets(data.pictures) {
        let of_set = |picture: &Picture| picture.set == set;
        let pictures = || data.pictures.iter().filter(|picture| of_set(picture));
        let count = |keep: fn(&Picture) -> bool| pictures().filter(|picture| keep(picture)).count();
        let faces = pictures().map(|picture| picture.faces().len()).sum();
        rows.push(data.row(format!("{set}: faces found"), faces, |column| {
            data.recall(column, IOU_MAIN, |picture, _| of_set(picture))
        }));
        rows.push(data.row(
            format!("{set}: boxes beside the faces, a picture"),
            count(Picture::is_boxed),
            |column| data.beside(column, IOU_MAIN, of_set),
        ));
        rows.push(data.row(
            format!("{set}: pictures with the right number of faces"),
            count(|picture| picture.change.is_none()),
            |column| data.right_number(column, |p| of_set(p) && p.change.is_none()),
        ));
        let marked = pictures().flat_map(Picture::faces).filter(|face| face.landmarks.is_some());
        rows.push(data.row(
            format!("{set}: landmarks off, eye distances"),
            marked.count(),
            |column| data.landmarks_off(column, |picture, _| of_set(picture)),
        ));
    }
    Table { title: "All sets".into(), rows }
}

/// For each set with boxes, what is found as the overlap asked for grows.
fn by_overlap(data: Data<'_>) -> Vec<Table> {
    let table = |set: &str| {
        let of_set = |picture: &Picture| picture.set == set;
        let boxed = data.pictures.iter().filter(|picture| of_set(picture) && picture.is_boxed());
        let (pictures, faces) =
            boxed.fold((0, 0), |(pictures, faces), p| (pictures + 1, faces + p.faces().len()));
        let found = IOUS.map(|iou| {
            data.row(format!("found at IoU {iou}"), faces, |column| {
                data.recall(column, iou, |picture, _| of_set(picture))
            })
        });
        let beside = IOUS.map(|iou| {
            data.row(format!("beside a picture, IoU {iou}"), pictures, |c| {
                data.beside(c, iou, of_set)
            })
        });
        // Where there are no faces, every box lies beside, whatever the overlap.
        let rows = if faces > 0 { found.into_iter().chain(beside).collect() } else { vec![] };
        Table { title: format!("{set}, by overlap"), rows }
    };
    sets(data.pictures).into_iter().map(table).collect()
}

/// Frames made here: by size, turn and light.
fn changed(data: Data<'_>) -> Vec<Table> {
    let upright = |size_px| Change { size_px, turn_degrees: 0, light_percent: 100 };
    let sizes = SIZES.map(|size| (format!("{size} px"), upright(size)));
    let turned = |turn_degrees| Change { turn_degrees, ..upright(MIDDLE) };
    let turns = [0].into_iter().chain(TURNS).map(|turn| (format!("{turn}°"), turned(turn)));
    let dark = |light_percent| Change { light_percent, ..upright(MIDDLE) };
    let lights = [100].into_iter().chain(LIGHTS).map(|light| (format!("{light} %"), dark(light)));
    [
        ("variants, by size".to_owned(), sizes.to_vec()),
        (format!("variants of {MIDDLE} px, turned"), turns.collect()),
        (format!("variants of {MIDDLE} px, by what is left of the light"), lights.collect()),
    ]
    .into_iter()
    .flat_map(|(title, groups)| {
        let groups = groups.into_iter().map(|(name, change)| {
            let keep = move |p: &Picture, _: &TrueFace| p.change == Some(change);
            (name, Box::new(keep) as Keep)
        });
        data.found_and_off(&title, groups.collect())
    })
    .collect()
}

/// Faces as they are, of all sets but the frames made here: by size, turn and brightness.
fn natural(data: Data<'_>) -> Vec<Table> {
    type Measure = fn(&TrueFace) -> Option<f32>;
    let measures: [(&str, &[f32], &str, Measure); 3] = [
        ("faces as they are, by size", &SIZE_EDGES, " px", |face| Some(face.size_px())),
        ("faces as they are, by turn", &TURN_EDGES, "°", TrueFace::turn_degrees),
        ("faces as they are, by brightness", &LUMA_EDGES, "", |face| Some(face.luma)),
    ];
    let tables = measures.into_iter().flat_map(|(title, edges, unit, measure)| {
        let groups = ranges(edges).into_iter().map(|(low, high)| {
            let keep = move |picture: &Picture, face: &TrueFace| {
                let is_in = |value| low <= value && value < high;
                picture.change.is_none() && measure(face).is_some_and(is_in)
            };
            (range_name(low, high, unit), Box::new(keep) as Keep)
        });
        data.found_and_off(title, groups.collect())
    });
    tables.collect()
}

/// All upright faces in full light by their size where the detector's network sees them.
fn by_input(data: Data<'_>) -> Vec<Table> {
    let rows = ranges(&SIZE_EDGES).into_iter().map(|(low, high)| {
        let cell = |column: &Column| {
            let input = column.input;
            data.recall(column, IOU_MAIN, move |picture, face| {
                let size = input.scale(picture.size_px).map(|scale| scale * face.size_px());
                let upright =
                    picture.change.is_none_or(|c| c.turn_degrees == 0 && c.light_percent == 100);
                upright && size.is_some_and(|size| low <= size && size < high)
            })
        };
        let cells = data.columns.iter().map(cell).collect();
        Row { name: range_name(low, high, " px"), count: None, cells }
    });
    vec![Table {
        title: "all upright faces, by size in the network's input: found".into(),
        rows: rows.collect(),
    }]
}

/// Whether a face belongs to a group.
type Keep = Box<dyn Fn(&Picture, &TrueFace) -> bool>;

impl Data<'_> {
    fn row(&self, name: String, count: usize, cell: impl Fn(&Column) -> Option<Figure>) -> Row {
        Row { name, count: Some(count), cells: self.columns.iter().map(cell).collect() }
    }

    /// Two tables over the same groups: the share found, and how far its landmarks are off.
    fn found_and_off(&self, title: &str, groups: Vec<(String, Keep)>) -> [Table; 2] {
        let count = |keep: &Keep| {
            let faces = self.pictures.iter().flat_map(|p| p.faces().iter().map(move |f| (p, f)));
            faces.filter(|(picture, face)| keep(picture, face)).count()
        };
        let found = |(name, keep): &(String, Keep)| {
            self.row(name.clone(), count(keep), |column| self.recall(column, IOU_MAIN, keep))
        };
        let off = |(name, keep): &(String, Keep)| {
            self.row(name.clone(), count(keep), |column| self.landmarks_off(column, keep))
        };
        [
            Table { title: format!("{title}: found"), rows: groups.iter().map(found).collect() },
            Table {
                title: format!("{title}: landmarks off, eye distances"),
                rows: groups.iter().map(off).collect(),
            },
        ]
    }

    /// The share of the kept faces that were found; pictures are drawn anew for the interval.
    fn recall(
        &self,
        column: &Column,
        iou_min: f32,
        keep: impl Fn(&Picture, &TrueFace) -> bool,
    ) -> Option<Figure> {
        figure::ratio(self.pictures.iter().zip(&column.found).map(|(picture, found)| {
            let matched = matches(&bounds(picture), found, iou_min);
            let kept = picture.faces().iter().zip(matched.found);
            let kept = kept.filter(|(face, _)| keep(picture, face));
            kept.fold((0.0, 0.0), |(hits, all), (_, at)| {
                (hits + f64::from(u8::from(at.is_some())), all + 1.0)
            })
        }))
    }

    /// Boxes that are no labelled face, a picture.
    fn beside(
        &self,
        column: &Column,
        iou_min: f32,
        keep: impl Fn(&Picture) -> bool,
    ) -> Option<Figure> {
        let pictures = self.pictures.iter().zip(&column.found);
        let boxed = pictures.filter(|(picture, _)| picture.is_boxed() && keep(picture));
        figure::mean(
            boxed.map(|(picture, found)| matches(&bounds(picture), found, iou_min).beside as f64),
        )
    }

    /// The share of pictures in which as many faces were found as there are.
    fn right_number(&self, column: &Column, keep: impl Fn(&Picture) -> bool) -> Option<Figure> {
        let pictures = self.pictures.iter().zip(&column.found).filter(|(picture, _)| keep(picture));
        figure::mean(pictures.map(|(p, found)| f64::from(u8::from(found.len() == p.count()))))
    }

    /// The mean landmark error of the kept faces that were found, in eye distances.
    fn landmarks_off(
        &self,
        column: &Column,
        keep: impl Fn(&Picture, &TrueFace) -> bool,
    ) -> Option<Figure> {
        let pictures = self.pictures.iter().zip(&column.found);
        let errors = pictures.flat_map(|(picture, found)| {
            let matched = matches(&bounds(picture), found, IOU_MAIN);
            let kept = picture.faces().iter().zip(matched.found);
            let kept = kept.filter(|(face, _)| keep(picture, face));
            let error = |(face, at): (&TrueFace, Option<usize>)| {
                landmark_error(face.landmarks.as_ref()?, found[at?].landmarks.as_ref()?)
            };
            kept.filter_map(error).collect::<Vec<_>>()
        });
        figure::mean(errors)
    }
}

/// The boxes of a picture's labelled faces.
pub(super) fn bounds(picture: &Picture) -> Vec<Rect> {
    picture.faces().iter().map(|face| face.bounds).collect()
}

/// From 0 to the first edge, from edge to edge, and from the last one on.
fn ranges(edges: &[f32]) -> Vec<(f32, f32)> {
    let lows = [0.0].into_iter().chain(edges.iter().copied());
    let highs = edges.iter().copied().chain([f32::INFINITY]);
    lows.zip(highs).collect()
}

fn range_name(low: f32, high: f32, unit: &str) -> String {
    if high.is_finite() { format!("{low}–{high}{unit}") } else { format!("from {low}{unit}") }
}

#[cfg(test)]
mod tests {
    use super::super::answers::Input;
    use super::super::truth::Truth;
    use super::*;
    use models::detect::Face;
    use models::geometry::{Landmarks, Point};

    fn landmarks(shift: f32) -> Landmarks {
        Landmarks([0.0f32, 10.0, 5.0, 2.0, 8.0].map(|x| Point::new(x + shift, 4.0)))
    }

    fn true_face(left: f32, side: f32) -> TrueFace {
        TrueFace::new(Rect::new(left, 0.0, side, side), Some(landmarks(left)))
    }

    fn face(left: f32, side: f32, off: f32) -> Face {
        let landmarks = Some(landmarks(left + off));
        Face { bounds: Rect::new(left, 0.0, side, side), score: 0.9, landmarks }
    }

    /// Two faces, of which the small one is found, 1 px off, and a box beside; and a picture without faces in
    /// which one is found.
    fn check(see: impl Fn(Data<'_>, &Column)) {
        let truth = Truth::Boxed(vec![true_face(0.0, 10.0), true_face(50.0, 40.0)]);
        let mut pictures = vec![
            Picture::new("a".into(), "scenes", truth),
            Picture::new("b".into(), "noface", Truth::Boxed(vec![])),
            Picture::new("c".into(), "dark", Truth::Counted(1)),
        ];
        pictures.iter_mut().for_each(|picture| picture.size_px = [100, 100]);
        let found = vec![
            vec![face(0.0, 10.0, 1.0), face(100.0, 10.0, 0.0)],
            vec![face(0.0, 10.0, 0.0)],
            vec![face(0.0, 10.0, 0.0)],
        ];
        let input = Input::Within([50.0, 50.0]);
        let columns = [Column { name: "d".into(), sha256: String::new(), input, found }];
        see(Data { pictures: &pictures, columns: &columns }, &columns[0]);
    }

    fn value(figure: Option<Figure>) -> f64 {
        figure.unwrap().value
    }

    #[test]
    fn figures_are_those_counted_by_hand() {
        check(|data, column| {
            assert_eq!(value(data.recall(column, 0.4, |_, _| true)), 0.5);
            assert_eq!(value(data.recall(column, 0.4, |_, face| face.size_px() < 20.0)), 1.0);
            assert_eq!(data.recall(column, 0.4, |_, _| false), None);
            assert_eq!(value(data.beside(column, 0.4, |_| true)), 1.0, "2 in 2 boxed pictures");
            assert_eq!(value(data.right_number(column, |_| true)), 2.0 / 3.0);
            assert!((value(data.landmarks_off(column, |_, _| true)) - 0.1).abs() < 1e-6);
        });
    }

    #[test]
    fn tables_name_what_they_count_and_leave_out_what_is_not_there() {
        check(|data, _| {
            let tables = all(data);
            let titles: Vec<&str> = tables.iter().map(|table| table.title.as_str()).collect();
            assert_eq!(titles[..2], ["All sets", "scenes, by overlap"]);
            assert!(titles.iter().all(|title| !title.starts_with("variants")), "{titles:?}");
            let rows = &tables[0].rows;
            let row = |name: &str| rows.iter().find(|row| row.name == name);
            assert_eq!(row("scenes: faces found").unwrap().count, Some(2));
            assert!(row("noface: faces found").is_none());
            let beside = row("noface: boxes beside the faces, a picture").unwrap();
            assert_eq!(value(beside.cells[0]), 1.0);
            // The large face, 40 px in the picture, is 20 px in a network that sees half of the pixels.
            let input = tables.iter().find(|table| table.title.contains("network")).unwrap();
            let cell =
                |name: &str| input.rows.iter().find(|row| row.name == name).unwrap().cells[0];
            assert_eq!((value(cell("0–8 px")), value(cell("16–24 px"))), (1.0, 0.0));
        });
    }

    #[test]
    fn ranges_leave_no_gap() {
        assert_eq!(ranges(&[8.0, 16.0]), [(0.0, 8.0), (8.0, 16.0), (16.0, f32::INFINITY)]);
        assert_eq!(range_name(8.0, 16.0, " px"), "8–16 px");
        assert_eq!(range_name(160.0, f32::INFINITY, " px"), "from 160 px");
    }
}
