//! Joining of atom-site loops without coordinates, such as one of occupancies or type symbols, to the sites by label.

use std::collections::HashMap;

use super::block::RawBlock;
use super::error::JoinFault;
use super::lexer::Span;
use super::site::{JoinedLoop, RawSite};
use super::tag::Tag;

/// Adds the values of additional atom-site loops to the sites with coordinates. The first error is stored in
/// `join_fault`.
pub(super) fn join(block: &mut RawBlock, bytes: &[u8]) {
    if !block.joined_loops.is_empty()
        && block.bears_structure()
        && let Err(fault) = try_join(block, bytes)
    {
        block.join_fault = Some(fault);
    }
}

fn try_join(block: &mut RawBlock, bytes: &[u8]) -> Result<(), (JoinFault, Span)> {
    if let Some(last) = block.joined.last().filter(|_| block.has_more_joined) {
        return Err((JoinFault::TooMany, Span { start: last.offset, end: last.offset }));
    }
    // For each label, the first site and the number of sites.
    let mut by_label: HashMap<&[u8], (usize, u32)> = HashMap::with_capacity(block.sites.len());
    for (index, site) in block.sites.iter().enumerate() {
        by_label.entry(site.label.of(bytes)).or_insert((index, 0)).1 += 1;
    }
    let ends = block.joined_loops.iter().skip(1).map(|next| next.first_row).chain([block.joined.len()]);
    // For each site, the last loop that has a row for it, counted from 1.
    let mut taken = vec![0u32; block.sites.len()];
    let mut bad_numbers = block.bad_numbers.iter_mut();
    for ((list, end), number) in block.joined_loops.iter().zip(ends).zip(1u32..) {
        let rows = block.joined.get(list.first_row..end).unwrap_or_default();
        for (index, row) in (list.first_row..end).zip(rows) {
            let at = Span { start: row.offset, end: row.offset };
            if !list.has(Tag::Label) {
                return Err((JoinFault::NoLabels, at));
            }
            let fault = |fault: JoinFault| (fault, row.label);
            let &(home, count) = by_label.get(row.label.of(bytes)).ok_or_else(|| fault(JoinFault::NoSite))?;
            if count > 1 {
                return Err(fault(JoinFault::SeveralSites));
            }
            let (Some(site), Some(last)) = (block.sites.get_mut(home), taken.get_mut(home)) else { continue };
            if *last == number {
                return Err(fault(JoinFault::Twice));
            }
            *last = number;
            let known = JoinedLoop { columns: block.site_columns, first_row: 0 };
            if !take(site, row, *list, known, bytes) {
                return Err(fault(JoinFault::Contradiction));
            }
            if row.is_malformed() {
                site.set_malformed();
                // Bad numbers are in the order of the rows, so each search continues where the previous one ended.
                if let Some(bad) = bad_numbers.find(|bad| bad.site == JoinedLoop::index(index)) {
                    bad.site = home;
                }
            }
        }
        block.site_columns |= list.columns;
    }
    Ok(())
}

/// Adds the values of a row to its site. Returns false if the site already has another value of an item.
fn take(site: &mut RawSite, row: &RawSite, list: JoinedLoop, known: JoinedLoop, bytes: &[u8]) -> bool {
    if list.has(Tag::Occupancy) {
        if known.has(Tag::Occupancy) && site.occupancy != row.occupancy {
            return false;
        }
        site.occupancy = row.occupancy;
    }
    site.attach_hydrogens(row.attached_hydrogens);
    let texts = [
        (Tag::TypeSymbol, &mut site.type_symbol, row.type_symbol),
        (Tag::CalcFlag, &mut site.calc_flag, row.calc_flag),
        (Tag::DisorderGroup, &mut site.disorder_group, row.disorder_group),
        (Tag::DisorderAssembly, &mut site.disorder_assembly, row.disorder_assembly),
        (Tag::Multiplicity, &mut site.multiplicity, row.multiplicity),
    ];
    for (tag, place, value) in texts {
        if !list.has(tag) || value.is_empty() {
            continue;
        }
        if !place.is_empty() && place.of(bytes) != value.of(bytes) {
            return false;
        }
        *place = value;
    }
    true
}
