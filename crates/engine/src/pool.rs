//! The same work for many nodes at once.

use std::sync::Mutex;
use std::sync::mpsc;

/// Does `work` for every item, at most `width` at a time, and returns the results in the order
/// of the items.
pub fn for_each<T, R>(items: Vec<T>, width: usize, work: impl Fn(T) -> R + Sync) -> Vec<R>
where
    T: Send,
    R: Send,
{
    let workers = width.min(items.len()).max(1);
    if workers == 1 {
        return items.into_iter().map(work).collect();
    }
    let queue = Mutex::new(items.into_iter().enumerate());
    let (sender, results) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (sender, queue, work) = (sender.clone(), &queue, &work);
            scope.spawn(move || {
                while let Some((index, item)) = take(queue) {
                    // The receiver outlives the scope, so nothing is lost here.
                    let _ = sender.send((index, work(item)));
                }
            });
        }
    });
    drop(sender);
    let mut results: Vec<(usize, R)> = results.into_iter().collect();
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

fn take<T>(queue: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    match queue.lock() {
        Ok(mut items) => items.next(),
        Err(poisoned) => poisoned.into_inner().next(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::for_each;

    #[test]
    fn keeps_order_and_width() {
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let squares = for_each((0..50).collect(), 4, |number: u64| {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::yield_now();
            running.fetch_sub(1, Ordering::SeqCst);
            number * number
        });
        assert_eq!(squares, (0..50).map(|n| n * n).collect::<Vec<u64>>());
        assert!(most.load(Ordering::SeqCst) <= 4);
        assert!(for_each(Vec::<u8>::new(), 4, |n| n).is_empty());
    }
}
